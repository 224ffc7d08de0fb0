-- name: PrepareReport :exec
-- For the rest of this transaction a statement may take ten seconds, and is planned for its window: the plan for any
-- window has helpers started for a single night, which takes longer than the night.
SELECT set_config('statement_timeout', '10s', true), set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: SummarizeDrinks :many
-- nullable: hour, recipe, maker_id, wait_seconds, make_seconds, total_seconds, fetch_seconds
-- The drinks of the orders that were placed in a window: all of them in one row (the series `total`), by `hour`, by
-- `recipe`, and by `maker` of the complete ones. The hour is the place, counted from 1, of the last of the given moments
-- that is not after the order. Of each time there are the percentiles 50, 90 and 99.
SELECT
    CASE grouping(d.hour, d.recipe, d.maker_id)
        WHEN 3 THEN 'hour' WHEN 5 THEN 'recipe' WHEN 6 THEN 'maker' ELSE 'total'
    END::text AS series,
    d.hour, d.recipe, d.maker_id::uuid AS maker_id,
    count(DISTINCT d.order_id)::integer AS orders,
    count(*)::integer AS drinks,
    count(*) FILTER (WHERE d.status = 'complete')::integer AS complete,
    count(*) FILTER (WHERE d.served)::integer AS served,
    count(*) FILTER (WHERE d.status = 'failed')::integer AS failed,
    count(*) FILTER (WHERE d.status = 'canceled')::integer AS canceled,
    count(*) FILTER (WHERE d.late)::integer AS late,
    (percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY d.wait_seconds))::double precision[] AS wait_seconds,
    (percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY d.make_seconds))::double precision[] AS make_seconds,
    (percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY d.total_seconds))::double precision[] AS total_seconds,
    (percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY d.fetch_seconds))::double precision[] AS fetch_seconds
FROM (
    SELECT
        o.id AS order_id, i.recipe, i.status,
        width_bucket(o.placed_at, @hours::timestamptz[]) AS hour,
        CASE WHEN i.status = 'complete' THEN i.claimed_by END AS maker_id,
        i.completed_at > i.due_at AS late,
        -- Completed in one tap, a drink was started at that very moment: when it was begun, nobody knows.
        date_part('epoch', nullif(i.started_at, i.completed_at) - o.placed_at) AS wait_seconds,
        date_part('epoch', i.completed_at - nullif(i.started_at, i.completed_at)) AS make_seconds,
        date_part('epoch', i.completed_at - o.placed_at) AS total_seconds,
        i.served_at IS NOT NULL AS served,
        date_part('epoch', i.served_at - i.completed_at) AS fetch_seconds
    FROM orders AS o
    INNER JOIN order_items AS i ON i.order_id = o.id
    WHERE o.placed_at >= @placed_from AND o.placed_at < @placed_before
) AS d
GROUP BY GROUPING SETS ((), (d.hour), (d.recipe), (d.maker_id))
ORDER BY d.hour, drinks DESC, d.recipe;

-- name: CountReasons :many
-- Why drinks of a window's orders failed, or were canceled: the most frequent reasons; null where none was given.
SELECT i.error AS reason, count(*)::integer AS drinks
FROM orders AS o
INNER JOIN order_items AS i ON i.order_id = o.id
WHERE o.placed_at >= @placed_from AND o.placed_at < @placed_before AND i.status = @status
GROUP BY i.error
ORDER BY drinks DESC, reason
LIMIT @at_most::integer;

-- name: CountRecalls :many
-- How often complete drinks of a window's orders were recalled, by recipe and by who had completed them. A drink that
-- was recalled after it had failed was not made. The recalls come first, for they are few: else each drink is looked up.
WITH recalled AS MATERIALIZED (
    SELECT e.id, e.order_id, e.item_number
    FROM orders AS o
    INNER JOIN order_events AS e ON e.order_id = o.id AND e.type = 'recalled'
    WHERE o.placed_at >= @placed_from AND o.placed_at < @placed_before
)
SELECT i.recipe, ended.actor_id AS maker_id, count(*)::integer AS recalls
FROM recalled
INNER JOIN order_items AS i ON i.order_id = recalled.order_id AND i.number = recalled.item_number
CROSS JOIN LATERAL (
    SELECT earlier.type, earlier.actor_id FROM order_events AS earlier
    WHERE earlier.order_id = recalled.order_id AND earlier.item_number = recalled.item_number
        AND earlier.id < recalled.id AND earlier.type IN ('completed', 'failed')
    ORDER BY earlier.id DESC
    LIMIT 1
) AS ended
WHERE ended.type = 'completed'
GROUP BY i.recipe, ended.actor_id
ORDER BY recalls DESC, i.recipe;

-- name: ListUsernames :many
-- What these users are called.
SELECT id, username FROM users
WHERE id = ANY(@ids::uuid[]);
