-- name: GetLastPastOrderKey :one
-- The highest key among the past orders that the seed has made for this customer.
SELECT idempotency_key FROM orders
WHERE principal_id = @principal_id AND error IS DISTINCT FROM 'idempotency_conflict'
    AND idempotency_key BETWEEN 'seed-000000000' AND 'seed-999999999' AND idempotency_key ~ '^seed-[0-9]{9}$'
ORDER BY idempotency_key DESC
LIMIT 1;

-- name: InsertPastOrdersOnce :many
-- Inserts orders that are over, counted as they ended, and returns the ids of those whose keys were free.
INSERT INTO orders (
    id, principal_id, idempotency_key, fingerprint, placed_at, ticket, rush,
    pending_count, complete_count, failed_count, canceled_count, created_at, updated_at
)
SELECT
    o.id, o.principal_id, o.idempotency_key, o.fingerprint, o.placed_at, nullif(o.ticket, ''),
    o.rush, 0, o.complete_count, o.failed_count, o.canceled_count, o.placed_at,
    o.placed_at + interval '1 second' * o.seconds
FROM (
    SELECT
        unnest(@ids::uuid[]) AS id,
        unnest(@principal_ids::uuid[]) AS principal_id,
        unnest(@idempotency_keys::text[]) AS idempotency_key,
        unnest(@fingerprints::bytea[]) AS fingerprint,
        unnest(@placed_ats::timestamptz[]) AS placed_at,
        unnest(@tickets::text[]) AS ticket,
        unnest(@rushes::boolean[]) AS rush,
        unnest(@complete_counts::integer[]) AS complete_count,
        unnest(@failed_counts::integer[]) AS failed_count,
        unnest(@canceled_counts::integer[]) AS canceled_count,
        unnest(@seconds::integer[]) AS seconds
) AS o
ON CONFLICT DO NOTHING
RETURNING id;

-- name: InsertPastItems :exec
-- Inserts the drinks of past orders as they ended; nobody has to be shown a cancellation of that time. Times are seconds
-- after the order was placed; 0 says that it did not come to that. Preparation time and deadline are as in InsertItems.
INSERT INTO order_items (
    order_id, number, recipe_id, recipe, build, station, note, modifiers, status, prep_seconds, due_at,
    claimed_by, started_at, completed_at, served_at, canceled_at, error, changed_by
)
SELECT
    o.id, i.number, r.id, r.name, r.build, r.station, nullif(i.note, ''), i.modifiers::jsonb, i.status,
    coalesce(r.prep_seconds, b.prep_seconds),
    o.placed_at + interval '1 second' * (
        coalesce(r.prep_seconds, b.prep_seconds)
        + CASE WHEN o.rush THEN 0 ELSE 60 * (10 - coalesce(r.priority, b.priority)) END
    ),
    CASE WHEN i.started_after > 0 THEN i.bartender_id END,
    o.placed_at + interval '1 second' * nullif(i.started_after, 0),
    o.placed_at + interval '1 second' * nullif(i.completed_after, 0),
    o.placed_at + interval '1 second' * nullif(i.served_after, 0),
    CASE WHEN i.status = 'canceled' THEN o.updated_at END,
    nullif(i.error, ''),
    CASE WHEN i.started_after > 0 THEN i.bartender_id ELSE o.principal_id END
FROM (
    SELECT
        unnest(@order_ids::uuid[]) AS order_id,
        unnest(@numbers::smallint[]) AS number,
        unnest(@recipe_ids::uuid[]) AS recipe_id,
        unnest(@notes::text[]) AS note,
        unnest(@modifiers::text[]) AS modifiers,
        unnest(@statuses::item_status[]) AS status,
        unnest(@bartender_ids::uuid[]) AS bartender_id,
        unnest(@started_afters::integer[]) AS started_after,
        unnest(@completed_afters::integer[]) AS completed_after,
        unnest(@served_afters::integer[]) AS served_after,
        unnest(@errors::text[]) AS error
) AS i
INNER JOIN orders AS o ON o.id = i.order_id
INNER JOIN recipes AS r ON r.id = i.recipe_id
INNER JOIN recipe_builds AS b ON b.build = r.build;

-- name: AppendPastEvents :exec
-- Appends what happened to past orders, in the order in which it happened; the caller holds LockEventLog. A drink that
-- failed did so when it should have been done, one that was canceled when its order was.
INSERT INTO order_events (order_id, item_number, type, principal_id, actor_id, detail, created_at)
SELECT e.order_id, e.item_number, e.type, e.principal_id, e.actor_id, e.detail, e.happened_at
FROM (
    SELECT o.id AS order_id, NULL::smallint AS item_number, 'placed'::order_event_type AS type, o.principal_id,
        NULL::uuid AS actor_id, '{}'::jsonb AS detail, o.placed_at AS happened_at
    FROM orders AS o
    WHERE o.id = ANY(@ids::uuid[])
    UNION ALL
    SELECT i.order_id, i.number, 'started', o.principal_id, i.claimed_by, '{"status": "in_progress"}', i.started_at
    FROM order_items AS i INNER JOIN orders AS o ON o.id = i.order_id
    WHERE i.order_id = ANY(@ids::uuid[]) AND i.started_at IS NOT NULL
    UNION ALL
    SELECT i.order_id, i.number, 'completed', o.principal_id, i.claimed_by, '{"status": "complete"}', i.completed_at
    FROM order_items AS i INNER JOIN orders AS o ON o.id = i.order_id
    WHERE i.order_id = ANY(@ids::uuid[]) AND i.completed_at IS NOT NULL
    UNION ALL
    SELECT i.order_id, i.number, 'served', o.principal_id, i.claimed_by, '{"status": "complete"}', i.served_at
    FROM order_items AS i INNER JOIN orders AS o ON o.id = i.order_id
    WHERE i.order_id = ANY(@ids::uuid[]) AND i.served_at IS NOT NULL
    UNION ALL
    SELECT i.order_id, i.number, 'failed', o.principal_id, i.claimed_by,
        jsonb_build_object('status', 'failed', 'error', i.error),
        i.started_at + interval '1 second' * i.prep_seconds
    FROM order_items AS i INNER JOIN orders AS o ON o.id = i.order_id
    WHERE i.order_id = ANY(@ids::uuid[]) AND i.status = 'failed'
    UNION ALL
    SELECT i.order_id, i.number, 'canceled', o.principal_id, i.changed_by, '{"status": "canceled"}', o.updated_at
    FROM order_items AS i INNER JOIN orders AS o ON o.id = i.order_id
    WHERE i.order_id = ANY(@ids::uuid[]) AND i.status = 'canceled'
) AS e
ORDER BY e.happened_at, e.order_id, e.item_number NULLS FIRST;
