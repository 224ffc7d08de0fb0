-- name: ListRecipes :many
-- Every recipe that is not archived, by name; also those that cannot be ordered right now.
SELECT * FROM recipes
WHERE archived_at IS NULL
ORDER BY lower(name);

-- name: GetRecipeByName :one
-- The recipe of this name, whatever its case, unless it is archived.
SELECT * FROM recipes
WHERE lower(name) = lower(@name) AND archived_at IS NULL;

-- name: InsertRecipesOnce :execrows
-- Inserts the recipes whose names are free and leaves the others as they are.
INSERT INTO recipes (name, build, ingredients, allergens, station, prep_seconds)
SELECT r.name, r.build, r.ingredients::jsonb, ARRAY(SELECT jsonb_array_elements_text(r.allergens::jsonb)), r.station, r.prep_seconds
FROM (
    SELECT
        unnest(@names::text[]) AS name,
        unnest(@builds::recipe_build[]) AS build,
        unnest(@ingredients::text[]) AS ingredients,
        unnest(@allergens::text[]) AS allergens,
        unnest(@stations::text[]) AS station,
        unnest(@prep_seconds::integer[]) AS prep_seconds
) AS r
ON CONFLICT DO NOTHING;

-- name: LockCountedRecipes :many
-- Locks those of the recipes whose drinks are counted, in id order, and says how many are left to sell.
SELECT id, remaining FROM recipes
WHERE id = ANY(@ids::uuid[]) AND remaining IS NOT NULL AND available AND archived_at IS NULL
ORDER BY id
FOR NO KEY UPDATE;

-- name: TakeStock :exec
-- Takes drinks off recipes that LockCountedRecipes holds.
UPDATE recipes
SET remaining = recipes.remaining - taken.drinks
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@drinks::integer[]) AS drinks) AS taken
WHERE recipes.id = taken.id;

-- name: ReturnStock :exec
-- Gives drinks that will not be made back to recipes that are counted, and leaves alone those that are not, or no
-- longer. Locks in id order, whatever the order of the ids.
WITH locked AS MATERIALIZED (
    SELECT id FROM recipes
    WHERE id = ANY(@ids::uuid[]) AND remaining IS NOT NULL
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE recipes
SET remaining = recipes.remaining + returned.drinks
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@drinks::integer[]) AS drinks) AS returned
INNER JOIN locked ON locked.id = returned.id
WHERE recipes.id = returned.id;
