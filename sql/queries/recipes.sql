-- name: ListRecipes :many
-- Every recipe that is not archived, by name; also those that cannot be ordered right now.
SELECT * FROM recipes
WHERE archived_at IS NULL
ORDER BY lower(name);

-- name: ListRecipesByNames :many
-- The recipes of these names, whatever their case, unless they are archived.
SELECT * FROM recipes
WHERE lower(name) IN (SELECT lower(unnest(@names::text[]))) AND archived_at IS NULL;

-- name: ListSoldOutRecipes :many
-- The names of what is on the books and cannot be ordered now.
SELECT name FROM recipes
WHERE archived_at IS NULL AND (NOT available OR remaining = 0)
ORDER BY lower(name);

-- name: ListBuildDefaults :many
-- What each build takes, and how urgent it is, unless a recipe says otherwise.
SELECT * FROM recipe_builds;

-- name: GetRecipe :one
-- One recipe, archived or not.
SELECT * FROM recipes
WHERE id = @id;

-- name: ListRecipesPage :many
-- A page of the recipes by name, from the one after the given name and id; archived ones where asked for.
SELECT * FROM recipes
WHERE (lower(name), id) > (lower(@after_name::text), @after_id::uuid)
    AND (archived_at IS NULL OR @archived::boolean)
ORDER BY lower(name), id
LIMIT @page_size::integer;

-- name: InsertRecipe :one
-- Adds a recipe. Its name must be free: recipes_name_key.
INSERT INTO recipes (
    name, build, ingredients, allergens, station, prep_seconds, priority, available, remaining
)
VALUES (
    @name, @build, @ingredients, @allergens, @station, sqlc.narg('prep_seconds'), sqlc.narg('priority'),
    @available, sqlc.narg('remaining')
)
RETURNING *;

-- name: UpdateRecipe :one
-- Changes a recipe that is on the books. NULL leaves a field as it is; a field in which NULL has a meaning comes with
-- a flag that says whether it is set. What is added to `remaining` is added to what is left by now, whoever sells
-- meanwhile; that needs a recipe that is counted.
UPDATE recipes
SET name = coalesce(sqlc.narg('name'), name),
    build = coalesce(sqlc.narg('build'), build),
    ingredients = coalesce(sqlc.narg('ingredients'), ingredients),
    allergens = coalesce(sqlc.narg('allergens')::text[], allergens),
    station = coalesce(sqlc.narg('station'), station),
    available = coalesce(sqlc.narg('available'), available),
    prep_seconds = CASE WHEN @set_prep_seconds::boolean THEN sqlc.narg('prep_seconds')::integer ELSE prep_seconds END,
    priority = CASE WHEN @set_priority::boolean THEN sqlc.narg('priority')::smallint ELSE priority END,
    remaining = CASE WHEN @set_remaining::boolean THEN sqlc.narg('remaining')::integer ELSE remaining + @add::integer END,
    updated_at = now()
WHERE id = @id AND archived_at IS NULL AND (@add::integer = 0 OR remaining IS NOT NULL)
RETURNING *;

-- name: ArchiveRecipe :execrows
-- Takes a recipe off the books for ever and frees its name; its orders stay. A repeat changes nothing.
UPDATE recipes
SET archived_at = coalesce(archived_at, now()),
    updated_at = CASE WHEN archived_at IS NULL THEN now() ELSE updated_at END
WHERE id = @id;

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
