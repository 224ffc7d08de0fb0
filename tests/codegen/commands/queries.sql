-- name: GetUser :one
-- One user by id.
SELECT * FROM users WHERE id = @id;

-- name: ListUsers :many
-- Every user, by name.
SELECT * FROM users ORDER BY name;

-- name: ListUserNames :many
-- Ids and names of those at least so old.
SELECT id, name FROM users WHERE age >= @age;

-- name: CountUsers :one
-- How many there are.
SELECT count(*) FROM users;

-- name: RenameUser :exec
-- Gives a user another name.
UPDATE users SET name = @name WHERE id = @id;

-- name: LockUsers :exec
-- What is selected is thrown away.
SELECT pg_advisory_xact_lock(1);

-- name: DeleteUsersOlderThan :execrows
-- Deletes those who are older and says how many they were.
DELETE FROM users WHERE age > @age;
