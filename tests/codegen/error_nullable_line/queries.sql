-- name: ListUsers :many
-- Names a column that is not there.
-- nullable: name
SELECT id FROM users;
