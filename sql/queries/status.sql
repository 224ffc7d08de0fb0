-- name: GetStatus :one
-- nullable: oldest_placed_at
-- How many orders the present business day has, how many drinks are open, how many of them are late, and when the oldest
-- one was ordered.
SELECT
    (
        SELECT count(*) FROM orders AS o
        WHERE o.placed_at >= @day_begins_at AND o.placed_at < @day_ends_at
    )::integer AS orders_today,
    count(*)::integer AS drinks_open,
    count(*) FILTER (WHERE d.due_at < @now::timestamptz)::integer AS drinks_late,
    min(d.placed_at)::timestamptz AS oldest_placed_at
FROM open_drinks AS d;
