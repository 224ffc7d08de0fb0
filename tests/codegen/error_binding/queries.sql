-- name: GetUser :one
-- No space before the parameter.
SELECT * FROM users WHERE id=@id;

-- name: GetUserByNumber :one
-- No name.
SELECT * FROM users WHERE id = $1;

-- name: ListUsers :many
-- sqlc types the array as one value.
SELECT * FROM users WHERE id = ANY(@ids);

-- name: ListUsersAfter :many
-- sqlc types both parameters by the first column.
SELECT * FROM users WHERE (born, id) > (@born, @id);

-- name: MoveUsers :exec
-- sqlc types the interval as a timestamp.
UPDATE users SET born = born + @age WHERE id = @id;

-- name: ListUsersIn :many
-- Text is spliced, which PostgreSQL has arrays for.
SELECT * FROM users WHERE id IN (sqlc.slice(ids));

-- name: FindUsers :many
-- Names that become one.
SELECT * FROM users WHERE name = sqlc.arg('Name') OR name = sqlc.arg(name);
