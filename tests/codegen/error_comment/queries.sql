-- name: ListUsers :many
SELECT * FROM users;

-- name: DeleteUsers :exec
-- no sentence
DELETE FROM users;
