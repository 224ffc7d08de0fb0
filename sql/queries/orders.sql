-- name: InsertOrdersOnce :many
-- Inserts the orders that are not there yet, each open with all its drinks, and returns their ids. An order
-- whose id is there, or whose key another order holds, is passed over. Callers sort by id: unsorted writers
-- deadlock.
INSERT INTO orders (
    id, principal_id, idempotency_key, fingerprint, placed_at, ticket, external_id, note, rush, pending_count
)
SELECT
    o.id, o.principal_id, o.idempotency_key, o.fingerprint, o.placed_at,
    nullif(o.ticket, ''), nullif(o.external_id, ''), nullif(o.note, ''), o.rush, o.item_count
FROM (
    SELECT
        unnest(@ids::uuid[]) AS id,
        unnest(@principal_ids::uuid[]) AS principal_id,
        unnest(@idempotency_keys::text[]) AS idempotency_key,
        unnest(@fingerprints::bytea[]) AS fingerprint,
        unnest(@placed_ats::timestamptz[]) AS placed_at,
        unnest(@tickets::text[]) AS ticket,
        unnest(@external_ids::text[]) AS external_id,
        unnest(@notes::text[]) AS note,
        unnest(@rushes::boolean[]) AS rush,
        unnest(@item_counts::integer[]) AS item_count
) AS o
ON CONFLICT DO NOTHING
RETURNING id;

-- name: ListExistingOrderIds :many
-- Which of these ids are stored.
SELECT id FROM orders
WHERE id = ANY(@ids::uuid[]);

-- name: InsertConflictingOrdersOnce :many
-- Inserts the orders that lost the race for their key, as failed with all their drinks, and returns the ids of
-- those that were not there yet. Each was answered 202, so each must be found again.
INSERT INTO orders (
    id, principal_id, idempotency_key, fingerprint, placed_at, ticket, external_id, note, rush,
    error, pending_count, failed_count
)
SELECT
    o.id, o.principal_id, o.idempotency_key, o.fingerprint, o.placed_at,
    nullif(o.ticket, ''), nullif(o.external_id, ''), nullif(o.note, ''), o.rush,
    'idempotency_conflict', 0, o.item_count
FROM (
    SELECT
        unnest(@ids::uuid[]) AS id,
        unnest(@principal_ids::uuid[]) AS principal_id,
        unnest(@idempotency_keys::text[]) AS idempotency_key,
        unnest(@fingerprints::bytea[]) AS fingerprint,
        unnest(@placed_ats::timestamptz[]) AS placed_at,
        unnest(@tickets::text[]) AS ticket,
        unnest(@external_ids::text[]) AS external_id,
        unnest(@notes::text[]) AS note,
        unnest(@rushes::boolean[]) AS rush,
        unnest(@item_counts::integer[]) AS item_count
) AS o
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: MoveRefusedItemsToFailed :exec
-- Counts, per order, drinks that were inserted as failed and not as pending.
UPDATE orders
SET pending_count = orders.pending_count - refused.drinks,
    failed_count = orders.failed_count + refused.drinks
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@drinks::integer[]) AS drinks) AS refused
WHERE orders.id = refused.id;

-- name: GetOrder :one
-- One order without its drinks.
SELECT * FROM orders
WHERE id = @id;

-- name: GetOrderByIdempotencyKey :one
-- The order that holds this key of this principal; one that lost the race for it does not count.
SELECT * FROM orders
WHERE principal_id = @principal_id AND idempotency_key = @idempotency_key
    AND error IS DISTINCT FROM 'idempotency_conflict';
