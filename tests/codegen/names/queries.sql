-- name: GetCategory :one
-- Keywords and names of types.
SELECT * FROM categories WHERE "from" = sqlc.arg('from') AND type = @type AND date = @date AND id = @conn;

-- name: ListBarStatuses :many
-- A name with a space.
SELECT "Opening Time", class FROM bar_statuses;

-- name: GetBarStatus :one
-- A plural in -es.
SELECT * FROM bar_statuses WHERE id = @id;

-- name: ListStaff :many
-- The one column of a table is still one value.
SELECT * FROM staff;

-- name: List :many
-- A function with a builtin's name.
SELECT * FROM categories;
