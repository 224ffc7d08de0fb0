-- name: ListTables :many
-- Every table that is not archived, in no order.
SELECT * FROM tables
WHERE archived_at IS NULL;

-- name: ListTablesByLabel :many
-- The tables that have these labels, whatever their case, unless they are archived.
SELECT * FROM tables
WHERE lower(label) IN (SELECT lower(unnest(@labels::text[]))) AND archived_at IS NULL;

-- name: GetTable :one
-- One table, archived or not.
SELECT * FROM tables
WHERE id = @id;

-- name: InsertTablesOnce :execrows
-- Adds the tables whose labels are free and leaves the others as they are.
INSERT INTO tables (label)
SELECT unnest(@labels::text[])
ON CONFLICT DO NOTHING;

-- name: LockTable :one
-- One table, locked: guests who come to it at once follow each other, and wait while its link is revoked.
SELECT * FROM tables
WHERE id = @id
FOR NO KEY UPDATE;

-- name: RenewTableLink :one
-- Begins a new version of a table's link: those that were printed are good no more. Not of an archived table.
UPDATE tables SET link_version = link_version + 1, link_made_at = now()
WHERE id = @id AND archived_at IS NULL
RETURNING *;

-- name: ArchiveTable :execrows
-- Takes a table away for ever and frees its label; its guests' orders stay. A repeat changes nothing.
UPDATE tables SET archived_at = coalesce(archived_at, now())
WHERE id = @id;
