-- name: InsertDrinksOnce :many
-- Inserts those that are not there and returns their ids.
INSERT INTO drinks (id, name)
SELECT unnest(@ids::uuid[]), unnest(@names::text[])
ON CONFLICT DO NOTHING
RETURNING id;

-- name: ListDrinks :many
-- Those with one of the ids.
SELECT * FROM drinks WHERE id = ANY(@ids::uuid[]);

-- name: SetTags :exec
-- Replaces the tags, and the ratings, which can be NULL.
UPDATE drinks SET tags = @tags, ratings = @ratings WHERE id = @id;

-- name: GetTags :one
-- One array.
SELECT tags FROM drinks WHERE id = @id;

-- name: RateDrinks :execrows
-- Joins a set of rows that came as arrays.
UPDATE drinks SET ratings = array_append(drinks.ratings, rated.rating)
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@ratings::smallint[]) AS rating) AS rated
WHERE drinks.id = rated.id;
