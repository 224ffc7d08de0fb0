-- name: GetRecipe :one
-- Parsed by psycopg.
SELECT * FROM recipes WHERE id = @id;

-- name: SetDocuments :exec
-- Each in the wrapper of its type; NULL stays NULL.
UPDATE recipes SET steps = @steps, extra = @extra, legacy = @legacy WHERE id = @id;

-- name: InsertRecipes :exec
-- A document a row.
INSERT INTO recipes (id, steps) SELECT unnest(@ids::int[]), unnest(@steps::jsonb[]);

-- name: ListFirstSteps :many
-- What a path leads to may be missing.
-- nullable: first
SELECT id, (steps->0)::jsonb AS first, jsonb_build_object('id', id) AS ref FROM recipes;
