-- name: InsertOrdersOnce :many
-- Inserts the orders that are not there yet and returns their ids. An order whose id is there, or whose key another
-- order holds, is passed over. One that comes with an error is stored as failed, and holds no key. Callers sort by
-- id: unsorted writers deadlock.
INSERT INTO orders (
    id, principal_id, idempotency_key, fingerprint, placed_at, ticket, external_id, note, rush,
    error, pending_count, failed_count
)
SELECT
    o.id, o.principal_id, o.idempotency_key, o.fingerprint, o.placed_at,
    nullif(o.ticket, ''), nullif(o.external_id, ''), nullif(o.note, ''), o.rush,
    nullif(o.error, ''),
    CASE WHEN o.error = '' THEN o.item_count ELSE 0 END,
    CASE WHEN o.error = '' THEN 0 ELSE o.item_count END
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
        unnest(@item_counts::integer[]) AS item_count,
        unnest(@errors::text[]) AS error
) AS o
ON CONFLICT DO NOTHING
RETURNING id;

-- name: ListExistingOrderIds :many
-- Which of these ids are stored.
SELECT id FROM orders
WHERE id = ANY(@ids::uuid[]);

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

-- name: ChangeItemCounts :one
-- Adds to the order's counts of its drinks, each number may be negative; the status follows from them.
UPDATE orders
SET pending_count = pending_count + @pending::integer,
    in_progress_count = in_progress_count + @in_progress::integer,
    complete_count = complete_count + @complete::integer,
    failed_count = failed_count + @failed::integer,
    canceled_count = canceled_count + @canceled::integer,
    updated_at = @now
WHERE id = @id
RETURNING *;
