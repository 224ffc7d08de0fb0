-- name: InsertWebhookEndpoint :one
-- Adds an endpoint, which hears of what happens from now on.
INSERT INTO webhook_endpoints (integration_id, url, description, types, secret, created_by, last_event_id)
VALUES (
    sqlc.narg('integration_id'), @url, sqlc.narg('description'), @types, @secret, @created_by,
    coalesce((SELECT max(order_events.id) FROM order_events), 0)
)
RETURNING *;

-- name: LockWebhookEndpointList :exec
-- Serializes those who add endpoints until they commit. The number is only this lock's name.
SELECT pg_advisory_xact_lock(20260002);

-- name: CountWebhookEndpoints :one
-- How many endpoints an integration has, or the house.
SELECT count(*)::integer AS endpoints FROM webhook_endpoints
WHERE deleted_at IS NULL AND integration_id IS NOT DISTINCT FROM sqlc.narg('integration_id')::uuid;

-- name: ListWebhookEndpoints :many
-- The endpoints of an integration, or all of them, the oldest first.
SELECT * FROM webhook_endpoints
WHERE deleted_at IS NULL
    AND (sqlc.narg('integration_id')::uuid IS NULL OR integration_id = sqlc.narg('integration_id')::uuid)
ORDER BY created_at, id;

-- name: GetWebhookEndpoint :one
-- One endpoint, of an integration or of anybody.
SELECT * FROM webhook_endpoints
WHERE id = @id AND deleted_at IS NULL
    AND (sqlc.narg('integration_id')::uuid IS NULL OR integration_id = sqlc.narg('integration_id')::uuid);

-- name: LockWebhookEndpoint :one
-- As GetWebhookEndpoint, locked: whoever changes its deliveries follows its dispatcher, and the other way round.
SELECT * FROM webhook_endpoints
WHERE id = @id AND deleted_at IS NULL
    AND (sqlc.narg('integration_id')::uuid IS NULL OR integration_id = sqlc.narg('integration_id')::uuid)
FOR NO KEY UPDATE;

-- name: UpdateWebhookEndpoint :one
-- Changes what is named; what is null stays. An endpoint that is enabled goes on where it stopped.
UPDATE webhook_endpoints
SET url = coalesce(sqlc.narg('url'), url),
    description = CASE WHEN @set_description::boolean THEN sqlc.narg('description') ELSE description END,
    types = coalesce(sqlc.narg('types')::text[], types),
    enabled = coalesce(sqlc.narg('enabled')::boolean, enabled),
    disabled_reason = CASE WHEN sqlc.narg('enabled')::boolean IS NULL THEN disabled_reason END
WHERE id = @id
RETURNING *;

-- name: RotateWebhookSecret :one
-- Gives an endpoint another secret; the one before is good for so many seconds more. If that is so already, the newest
-- one is replaced: nobody may have got it, and the one before is in use.
UPDATE webhook_endpoints
SET secret = @secret,
    previous_secret = CASE WHEN previous_secret_until > now() THEN previous_secret ELSE secret END,
    previous_secret_until = now() + make_interval(secs => @overlap_seconds::int)
WHERE id = @id
RETURNING *;

-- name: DeleteWebhookEndpoint :execrows
-- Takes an endpoint away; its log is forgotten later.
UPDATE webhook_endpoints SET deleted_at = now()
WHERE id = @id;

-- name: InsertLoneDelivery :one
-- Adds a message of no order, due at once.
INSERT INTO webhook_deliveries (endpoint_id, type, body, next_attempt_at)
VALUES (@endpoint_id, @type, @body, now())
RETURNING *;

-- name: ListWebhookDeliveries :many
-- The messages to an endpoint, the newest first, from the given place on and as far as the filters let through.
SELECT * FROM webhook_deliveries
WHERE endpoint_id = @endpoint_id
    AND (created_at, id) < (@before_created_at::timestamptz, @before_id::uuid)
    AND (sqlc.narg('status')::webhook_delivery_status IS NULL
        OR status = sqlc.narg('status')::webhook_delivery_status)
    AND (sqlc.narg('type')::text IS NULL OR type = sqlc.narg('type')::text)
    AND (sqlc.narg('order_id')::uuid IS NULL OR order_id = sqlc.narg('order_id')::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @at_most::integer;

-- name: GetWebhookDelivery :one
-- One message to an endpoint.
SELECT * FROM webhook_deliveries
WHERE id = @id AND endpoint_id = @endpoint_id;

-- name: ListWebhookAttempts :many
-- Each time that a message was sent, in order.
SELECT * FROM webhook_attempts
WHERE delivery_id = @delivery_id
ORDER BY number;

-- name: ListDeliveriesToSendAgain :many
-- Messages to an endpoint that are done, the oldest first: of one status, made in a span of time.
SELECT id, created_at FROM webhook_deliveries
WHERE endpoint_id = @endpoint_id AND status = @status AND done_at IS NOT NULL
    AND created_at >= @created_from::timestamptz AND created_at < @created_until::timestamptz
ORDER BY created_at, id
LIMIT @at_most::integer;

-- name: SendAgain :many
-- Makes messages pending once more, their delays from the beginning. The caller has locked the endpoint, and then
-- calls ReleaseNextOfOrders.
UPDATE webhook_deliveries
SET status = 'pending', failures = 0, done_at = NULL,
    next_attempt_at = CASE WHEN order_id IS NULL THEN now() END
WHERE id = ANY(@ids::uuid[]) AND status <> 'pending'
RETURNING id, order_id;

-- name: HurryDelivery :execrows
-- Lets a message that waits for another attempt have it now.
UPDATE webhook_deliveries SET next_attempt_at = now()
WHERE id = @id AND next_attempt_at > now();

-- name: HurryDeliveries :execrows
-- Lets every message to an endpoint that waits for another attempt have it now.
UPDATE webhook_deliveries SET next_attempt_at = now()
WHERE endpoint_id = @endpoint_id AND next_attempt_at > now();

-- name: ReleaseNextOfOrders :exec
-- Lets the first pending message of each of these orders be sent, where none of the order is on its way.
UPDATE webhook_deliveries
SET next_attempt_at = now()
WHERE id IN (
    SELECT DISTINCT ON (waiting.order_id) waiting.id FROM webhook_deliveries AS waiting
    WHERE waiting.endpoint_id = @endpoint_id AND waiting.order_id = ANY(@order_ids::uuid[])
        AND waiting.status = 'pending'
        AND NOT EXISTS (
            SELECT 1 FROM webhook_deliveries AS due
            WHERE due.endpoint_id = waiting.endpoint_id AND due.order_id = waiting.order_id
                AND due.next_attempt_at IS NOT NULL
        )
    ORDER BY waiting.order_id, waiting.sequence
);

-- name: WakeDispatchers :exec
-- Tells the dispatchers to look now; once the transaction commits.
SELECT pg_notify('webhooks_changed', '');

-- name: LeaseEndpoints :many
-- Takes the endpoints that are enabled, as is their integration, and that no dispatcher holds, for so many seconds.
UPDATE webhook_endpoints
SET lease_token = lease_token + 1, leased_until = now() + make_interval(secs => @lease_seconds::int)
WHERE id IN (
    SELECT free.id FROM webhook_endpoints AS free
    WHERE free.enabled AND free.deleted_at IS NULL AND (free.leased_until IS NULL OR free.leased_until < now())
        AND NOT EXISTS (
            SELECT 1 FROM users WHERE users.id = free.integration_id AND users.disabled_at IS NOT NULL
        )
    FOR UPDATE SKIP LOCKED
)
RETURNING id, lease_token;

-- name: RenewLease :one
-- Holds an endpoint for so many seconds more, locked until the transaction ends; nothing is returned to whoever holds it
-- no more, nor of an endpoint that was deleted, or whose integration is disabled.
UPDATE webhook_endpoints
SET leased_until = now() + make_interval(secs => @lease_seconds::int)
WHERE webhook_endpoints.id = @id AND lease_token = @lease_token AND deleted_at IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM users WHERE users.id = webhook_endpoints.integration_id AND users.disabled_at IS NOT NULL
    )
RETURNING *;

-- name: EndLease :exec
-- Lets another dispatcher have the endpoint at once.
UPDATE webhook_endpoints SET leased_until = NULL
WHERE id = @id AND lease_token = @lease_token;

-- name: ListToldEventsAfter :many
-- What happened after a place in the log, with what a receiver wants to know of order and drink.
SELECT * FROM told_events
WHERE id > @after_id
ORDER BY id
LIMIT @at_most::integer;

-- name: ListToldEventsOfPrincipalAfter :many
-- One integration's orders; otherwise as ListToldEventsAfter, and by a range, as ListOrdersOfPrincipal.
SELECT * FROM told_events
WHERE (principal_id, id) > (@principal_id::uuid, @after_id::bigint) AND principal_id <= @principal_id::uuid
ORDER BY principal_id, id
LIMIT @at_most::integer;

-- name: ListLastSequences :many
-- How many messages an endpoint has had of each of these orders.
-- nullable: none
SELECT webhook_deliveries.order_id, max(webhook_deliveries.sequence)::integer AS last_sequence
FROM webhook_deliveries
WHERE webhook_deliveries.endpoint_id = @endpoint_id AND webhook_deliveries.order_id = ANY(@order_ids::uuid[])
GROUP BY webhook_deliveries.order_id;

-- name: InsertOrderDeliveries :exec
-- Adds messages of orders, in the given order. The caller then calls ReleaseNextOfOrders.
INSERT INTO webhook_deliveries (endpoint_id, type, order_id, sequence, body, created_at)
SELECT @endpoint_id::uuid, m.type, m.order_id, m.sequence, m.body, clock_timestamp()
FROM (
    SELECT
        unnest(@types::text[]) AS type,
        unnest(@order_ids::uuid[]) AS order_id,
        unnest(@sequences::integer[]) AS sequence,
        unnest(@bodies::text[]) AS body
) AS m;

-- name: NoteProgress :exec
-- Deliveries are made of the log up to here, and the endpoint knows this menu and this bar.
UPDATE webhook_endpoints
SET last_event_id = @last_event_id, menu_digest = sqlc.narg('menu_digest'), bar_digest = sqlc.narg('bar_digest')
WHERE id = @id;

-- name: ListDueDeliveries :many
-- What is to be sent now, the longest due first, with its order's trace; not what is being sent.
SELECT d.id, d.type, d.order_id, d.body, d.attempts, d.failures, t.traceparent
FROM webhook_deliveries AS d
LEFT JOIN order_traces AS t ON t.order_id = d.order_id
WHERE d.endpoint_id = @endpoint_id AND d.next_attempt_at <= now() AND d.id <> ALL(@in_flight::uuid[])
ORDER BY d.next_attempt_at, d.created_at
LIMIT @at_most::integer;

-- name: GetSecondsUntilDue :one
-- How long until the next message is due that is not being sent, by the database's clock; no row while there is none.
SELECT extract(epoch FROM next_attempt_at - now())::double precision AS seconds FROM webhook_deliveries
WHERE endpoint_id = @endpoint_id AND next_attempt_at IS NOT NULL AND id <> ALL(@in_flight::uuid[])
ORDER BY next_attempt_at
LIMIT 1;

-- name: RecordOutcomes :many
-- Writes down how attempts ended, each once: by how many there were before it. What stays pending is tried again after
-- its delay, counted from now.
UPDATE webhook_deliveries
SET status = o.status, attempts = webhook_deliveries.attempts + 1,
    failures = webhook_deliveries.failures + CASE WHEN o.status = 'delivered' THEN 0 ELSE 1 END,
    next_attempt_at = CASE WHEN o.status = 'pending' THEN now() + make_interval(secs => o.delay_seconds) END,
    done_at = CASE WHEN o.status <> 'pending' THEN now() END
FROM (
    SELECT
        unnest(@ids::uuid[]) AS id,
        unnest(@attempts::integer[]) AS attempts,
        unnest(@statuses::webhook_delivery_status[]) AS status,
        unnest(@delays_seconds::double precision[]) AS delay_seconds
) AS o
WHERE webhook_deliveries.id = o.id AND webhook_deliveries.status = 'pending'
    AND webhook_deliveries.attempts = o.attempts
RETURNING webhook_deliveries.id, webhook_deliveries.order_id, webhook_deliveries.attempts, webhook_deliveries.status;

-- name: InsertAttempts :exec
-- Adds attempts to the log.
INSERT INTO webhook_attempts (
    delivery_id, number, began_at, duration_seconds, status_code, error, detail, excerpt
)
SELECT
    a.delivery_id, a.number, a.began_at, a.duration_seconds, nullif(a.status_code, 0), nullif(a.error, ''),
    nullif(a.detail, ''), nullif(a.excerpt, '')
FROM (
    SELECT
        unnest(@delivery_ids::uuid[]) AS delivery_id,
        unnest(@numbers::integer[]) AS number,
        unnest(@began_ats::timestamptz[]) AS began_at,
        unnest(@durations_seconds::double precision[]) AS duration_seconds,
        unnest(@status_codes::integer[]) AS status_code,
        unnest(@errors::text[]) AS error,
        unnest(@details::text[]) AS detail,
        unnest(@excerpts::text[]) AS excerpt
) AS a;

-- name: DisableGoneEndpoint :exec
-- Stops sending to an endpoint that said that it is gone.
UPDATE webhook_endpoints SET enabled = false, disabled_reason = 'gone'
WHERE id = @id;

-- name: ForgetDoneDeliveries :execrows
-- Forgets messages that were done longer ago than so many seconds, at most so many.
DELETE FROM webhook_deliveries
WHERE id IN (
    SELECT old.id FROM webhook_deliveries AS old
    WHERE old.done_at < now() - make_interval(secs => @kept_seconds::int)
    ORDER BY old.done_at
    LIMIT @at_most::integer
    FOR UPDATE SKIP LOCKED
);

-- name: ForgetDeliveriesOfDeleted :execrows
-- Forgets messages to endpoints that were deleted, at most so many.
DELETE FROM webhook_deliveries
WHERE id IN (
    SELECT old.id FROM webhook_deliveries AS old
    JOIN webhook_endpoints AS gone ON gone.id = old.endpoint_id
    WHERE gone.deleted_at IS NOT NULL
    LIMIT @at_most::integer
    FOR UPDATE OF old SKIP LOCKED
);

-- name: ForgetEndpoints :execrows
-- Forgets deleted endpoints of which no message is left.
DELETE FROM webhook_endpoints
WHERE deleted_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_deliveries.endpoint_id = webhook_endpoints.id);
