-- name: ListBuilds :many
-- Enum and table would share a name.
SELECT * FROM recipe_builds;
