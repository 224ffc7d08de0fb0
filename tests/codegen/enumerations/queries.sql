-- name: GetOrder :one
-- A table with enums.
SELECT * FROM orders WHERE id = @id;

-- name: ListOrders :many
-- Also by an array of an enum.
SELECT * FROM orders WHERE status = ANY(@statuses::order_status[]);

-- name: ListStatuses :many
-- A row class with enums, of this module.
SELECT status, previous_status FROM orders WHERE status = @status;

-- name: GetStatus :one
-- An enum alone.
SELECT status FROM orders WHERE id = @id;

-- name: ListPreviousStatuses :many
-- An enum alone, or NULL.
SELECT previous_status FROM orders;

-- name: SetStatuses :exec
-- Pairs of id and status.
UPDATE orders SET status = new.status, previous_status = sqlc.narg(previous_status)
FROM (SELECT unnest(@ids::int[]) AS id, unnest(@statuses::order_status[]) AS status) AS new
WHERE orders.id = new.id;

-- name: ListSeen :many
-- An array of an enum comes as text.
SELECT id, ARRAY[status]::text[] AS statuses FROM orders;
