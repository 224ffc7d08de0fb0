-- name: GetYoungest :one
-- Comes as anyarray.
-- nullable: max
SELECT max(born) FROM users;

-- name: ListAges :many
-- Comes as int.
SELECT id, now() - born AS age FROM users;

-- name: ListLengths :many
-- Comes as double precision.
SELECT id, length(name) AS length FROM users;

-- name: SumIds :one
-- Comes as bigint whatever is summed.
-- nullable: total
SELECT sum(id) AS total, 1 AS one FROM users;

-- name: ListNothing :many
-- NULL has no type.
SELECT id, NULL AS nothing FROM users;

-- name: ListMoods :many
-- psycopg knows no array of an enum.
SELECT moods FROM users;

-- name: FindAnything :many
-- The parameter has no type.
SELECT id FROM users GROUP BY id HAVING count(*) > @least;
