-- name: CopyUsers :copyfrom
-- A batch of psycopg's own would be needed.
INSERT INTO users (id, name) VALUES (@id, @name);

-- name: DeleteBatch :batchexec
-- The same.
DELETE FROM users WHERE id = @id;

-- name: DeleteUser :execresult
-- :execrows says as much.
DELETE FROM users WHERE id = @id;

-- name: SetTimeOut :one
-- Nothing is returned.
SET LOCAL statement_timeout = '3s';

-- name: ListPairs :many
-- Two columns of one name.
SELECT a.id, b.id FROM users AS a, users AS b;

-- name: ListEmbedded :many
-- A class in a class.
SELECT sqlc.embed(a), sqlc.embed(b) FROM users AS a, users AS b;
