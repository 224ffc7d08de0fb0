-- name: InsertOrdersOnce :many
-- Inserts the orders that are not there yet and returns their ids. An order whose id is there, or whose key another
-- order holds, is passed over. With an error they are stored as failed. Callers sort by id: unsorted writers deadlock.
INSERT INTO orders (
    id, principal_id, idempotency_key, fingerprint, placed_at, ticket, external_id, note, rush,
    error, pending_count, failed_count
)
SELECT
    o.id, o.principal_id, o.idempotency_key, o.fingerprint, o.placed_at,
    nullif(o.ticket, ''), nullif(o.external_id, ''), nullif(o.note, ''), o.rush,
    sqlc.narg('error')::text,
    CASE WHEN sqlc.narg('error')::text IS NULL THEN o.item_count ELSE 0 END,
    CASE WHEN sqlc.narg('error')::text IS NULL THEN 0 ELSE o.item_count END
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

-- name: ListOrdersByIdempotencyKeys :many
-- The orders that hold these keys, each of the principal at its place; those that lost the race for their key do not
-- count.
SELECT * FROM orders
WHERE (principal_id, idempotency_key) IN (SELECT unnest(@principal_ids::uuid[]), unnest(@idempotency_keys::text[]))
    AND error IS DISTINCT FROM 'idempotency_conflict';

-- name: ChangeItemCounts :one
-- Adds to the order's counts of its drinks, each number may be negative; the status follows from them.
WITH before AS (
    SELECT orders.id, orders.status FROM orders
    WHERE orders.id = @id
    FOR NO KEY UPDATE
)
UPDATE orders
SET pending_count = pending_count + @pending::integer,
    in_progress_count = in_progress_count + @in_progress::integer,
    complete_count = complete_count + @complete::integer,
    failed_count = failed_count + @failed::integer,
    canceled_count = canceled_count + @canceled::integer,
    updated_at = @now
FROM before
WHERE orders.id = before.id
RETURNING orders.principal_id, orders.placed_at, orders.status, before.status AS status_before;

-- name: ListOrders :many
-- Orders of everybody, the newest first, from the given place on and as far as the filters let through.
SELECT * FROM orders
WHERE (placed_at, id) < (@before_placed_at::timestamptz, @before_id::uuid)
    AND (sqlc.narg('status')::order_status IS NULL OR status = sqlc.narg('status')::order_status)
    AND (sqlc.narg('ticket')::text IS NULL OR ticket = sqlc.narg('ticket')::text)
    AND placed_at > coalesce(sqlc.narg('placed_after')::timestamptz, '-infinity')
    AND (sqlc.narg('updated_after')::timestamptz IS NULL OR updated_at > sqlc.narg('updated_after')::timestamptz)
ORDER BY placed_at DESC, id DESC
LIMIT @at_most::integer;

-- name: ListOrdersOfPrincipal :many
-- One principal's orders; otherwise as ListOrders. It asks for a range of their index, and not for equality, since it is
-- to be read from that place on: else PostgreSQL reads everybody's, or all of theirs, when it guesses that this is less.
SELECT * FROM orders
WHERE (principal_id, placed_at, id) < (@principal_id::uuid, @before_placed_at::timestamptz, @before_id::uuid)
    AND principal_id >= @principal_id::uuid
    AND (sqlc.narg('status')::order_status IS NULL OR status = sqlc.narg('status')::order_status)
    AND (sqlc.narg('ticket')::text IS NULL OR ticket = sqlc.narg('ticket')::text)
    AND placed_at > coalesce(sqlc.narg('placed_after')::timestamptz, '-infinity')
    AND (sqlc.narg('updated_after')::timestamptz IS NULL OR updated_at > sqlc.narg('updated_after')::timestamptz)
ORDER BY principal_id DESC, placed_at DESC, id DESC
LIMIT @at_most::integer;

-- name: ListOrdersByExternalId :many
-- Orders under an id that a POS gave them, the newest first; of one principal, or of everybody.
SELECT * FROM orders
WHERE external_id = @external_id
    AND (sqlc.narg('principal_id')::uuid IS NULL OR principal_id = sqlc.narg('principal_id')::uuid)
    AND (placed_at, id) < (@before_placed_at::timestamptz, @before_id::uuid)
    AND (sqlc.narg('status')::order_status IS NULL OR status = sqlc.narg('status')::order_status)
    AND (sqlc.narg('ticket')::text IS NULL OR ticket = sqlc.narg('ticket')::text)
    AND placed_at > coalesce(sqlc.narg('placed_after')::timestamptz, '-infinity')
    AND (sqlc.narg('updated_after')::timestamptz IS NULL OR updated_at > sqlc.narg('updated_after')::timestamptz)
ORDER BY placed_at DESC, id DESC
LIMIT @at_most::integer;

-- name: LockIntakeTables :exec
-- Fails where an order could not be inserted: a table is missing, locked as a whole, or not ours to write.
LOCK TABLE orders, order_items, order_events IN ROW EXCLUSIVE MODE;
