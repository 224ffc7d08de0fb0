-- name: GetBar :one
-- Whether the bar takes orders, as it was said last; see shakerqueue/bar.py for what that means at a moment.
SELECT * FROM bar;

-- name: LockBar :one
-- The same, locked: two who change it at once follow each other.
SELECT * FROM bar
FOR NO KEY UPDATE;

-- name: UpdateBar :one
-- Replaces what was said.
UPDATE bar
SET accepting = @accepting,
    reason = sqlc.narg('reason'),
    closes_at = sqlc.narg('closes_at'),
    reopens_at = sqlc.narg('reopens_at'),
    updated_at = now()
RETURNING *;
