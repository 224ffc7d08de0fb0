-- name: InsertOrderTraces :exec
-- Adds the traces in which these orders were placed.
INSERT INTO order_traces (order_id, traceparent)
SELECT t.order_id, t.traceparent
FROM (SELECT unnest(@order_ids::uuid[]) AS order_id, unnest(@traceparents::text[]) AS traceparent) AS t
ON CONFLICT DO NOTHING;

-- name: ForgetOrderTraces :execrows
-- Forgets traces that began longer ago than so many seconds, at most so many.
DELETE FROM order_traces
WHERE order_id IN (
    SELECT old.order_id FROM order_traces AS old
    WHERE old.created_at < now() - make_interval(secs => @kept_seconds::int)
    ORDER BY old.created_at
    LIMIT @at_most::integer
    FOR UPDATE SKIP LOCKED
);
