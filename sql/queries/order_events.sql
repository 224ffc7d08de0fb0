-- name: LockEventLog :exec
-- Serializes the writers of the event log until they commit, so that ids are in commit order. It must be the
-- last lock of its transaction, and COMMIT must follow the append at once. The number is only this lock's name.
SELECT pg_advisory_xact_lock(20260001);

-- name: LimitLockWait :exec
-- Bounds the wait for each lock in the rest of this transaction; the text is a number of milliseconds.
SELECT set_config('lock_timeout', @milliseconds::text, true);

-- name: AppendPlacedEvents :exec
-- Appends an event for each order that was just inserted, in the given order; the caller holds LockEventLog.
INSERT INTO order_events (order_id, type, principal_id)
SELECT unnest(@order_ids::uuid[]), 'placed', unnest(@principal_ids::uuid[]);

-- name: AppendEvents :exec
-- Appends events of drinks in the given order; the caller holds LockEventLog. An empty text stands for an order that
-- stayed what it was.
INSERT INTO order_events (order_id, item_number, type, principal_id, actor_id, detail, order_became)
SELECT
    e.order_id, e.item_number, e.type, e.principal_id, sqlc.narg('actor_id')::uuid, e.detail::jsonb,
    nullif(e.order_became, '')::order_status
FROM (
    SELECT
        unnest(@order_ids::uuid[]) AS order_id,
        unnest(@item_numbers::smallint[]) AS item_number,
        unnest(@types::order_event_type[]) AS type,
        unnest(@principal_ids::uuid[]) AS principal_id,
        unnest(@details::text[]) AS detail,
        unnest(@order_becames::text[]) AS order_became
) AS e;

-- name: ListEventsAfter :many
-- Everybody's events after a place in the log, in its order.
SELECT * FROM order_events
WHERE id > @after_id
ORDER BY id
LIMIT @at_most::integer;

-- name: ListEventsOfPrincipalAfter :many
-- One principal's events after a place in the log, in its order; by a range, as ListOrdersOfPrincipal.
SELECT * FROM order_events
WHERE (principal_id, id) > (@principal_id::uuid, @after_id::bigint) AND principal_id <= @principal_id::uuid
ORDER BY principal_id, id
LIMIT @at_most::integer;

-- name: GetEventLogBounds :one
-- The first and the last event that are there; two zeros while there is none.
SELECT
    coalesce((SELECT id FROM order_events ORDER BY id LIMIT 1), 0)::bigint AS first_id,
    coalesce((SELECT id FROM order_events ORDER BY id DESC LIMIT 1), 0)::bigint AS last_id;

-- name: IsEvent :one
-- Whether there is an event of this id.
SELECT EXISTS (SELECT 1 FROM order_events WHERE id = @id) AS found;
