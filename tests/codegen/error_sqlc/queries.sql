-- name: GetUser :one
-- A column that is not there.
SELECT email FROM users;
