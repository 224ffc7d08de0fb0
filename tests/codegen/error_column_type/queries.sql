-- name: ListPages :many
-- The table has a type without a Python counterpart.
SELECT id FROM pages;
