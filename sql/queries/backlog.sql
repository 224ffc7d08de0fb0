-- name: GetOpenDrinksBacklog :one
-- nullable: oldest_placed_at
-- How many drinks are waiting and in hand, how many of them are late, and when the oldest one was ordered.
SELECT
    count(*) FILTER (WHERE d.status = 'pending')::integer AS pending,
    count(*) FILTER (WHERE d.status = 'in_progress')::integer AS in_progress,
    count(*) FILTER (WHERE d.due_at < now())::integer AS late,
    min(d.placed_at)::timestamptz AS oldest_placed_at
FROM open_drinks AS d;

-- name: GetDeliveriesBacklog :one
-- nullable: oldest_created_at
-- How many messages to webhooks are to be sent or sent again, without those behind another one of their order, and when
-- the oldest of them was made. No more than so many are looked at.
SELECT count(*)::integer AS waiting, min(w.created_at)::timestamptz AS oldest_created_at
FROM (
    SELECT d.created_at
    FROM webhook_endpoints AS e
    INNER JOIN webhook_deliveries AS d ON d.endpoint_id = e.id
    WHERE e.enabled AND e.deleted_at IS NULL AND d.next_attempt_at IS NOT NULL
    LIMIT @at_most::integer
) AS w;

-- name: GetOldestUntoldEvent :one
-- nullable: created_at
-- When the oldest event happened of which no messages were made yet for an endpoint that is sent to.
SELECT min(untold.created_at)::timestamptz AS created_at
FROM (
    SELECT (
        SELECT e.created_at FROM order_events AS e
        WHERE e.id > w.last_event_id
        ORDER BY e.id
        LIMIT 1
    ) AS created_at
    FROM webhook_endpoints AS w
    WHERE w.enabled AND w.deleted_at IS NULL AND w.integration_id IS NULL
    UNION ALL
    SELECT (
        SELECT e.created_at FROM order_events AS e
        WHERE (e.principal_id, e.id) > (w.integration_id, w.last_event_id) AND e.principal_id <= w.integration_id
        ORDER BY e.principal_id, e.id
        LIMIT 1
    ) AS created_at
    FROM webhook_endpoints AS w
    INNER JOIN users AS u ON u.id = w.integration_id
    WHERE w.enabled AND w.deleted_at IS NULL AND u.disabled_at IS NULL
) AS untold;

-- name: CountEndpointsByState :one
-- How many endpoints are sent to, how many somebody has disabled, and how many said themselves that they are gone.
SELECT
    count(*) FILTER (WHERE enabled)::integer AS enabled,
    count(*) FILTER (WHERE NOT enabled AND disabled_reason IS NULL)::integer AS disabled,
    count(*) FILTER (WHERE NOT enabled AND disabled_reason = 'gone')::integer AS gone
FROM webhook_endpoints
WHERE deleted_at IS NULL;
