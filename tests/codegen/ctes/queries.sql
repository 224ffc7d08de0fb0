-- name: InsertOrderWithEvent :one
-- Two inserts in one statement.
WITH placed AS (
    INSERT INTO orders (id, open_items) VALUES (@id, @open_items) RETURNING *
), event AS (
    INSERT INTO order_events (order_id, name) SELECT placed.id, 'placed' FROM placed RETURNING order_events.id
)
SELECT placed.id, placed.state, event.id AS event_id FROM placed, event;

-- name: ClaimOrders :many
-- Rows that nobody else holds; RETURNING gives the table's class.
WITH next AS (
    SELECT o.id FROM orders AS o WHERE o.open_items > 0 ORDER BY o.placed_at LIMIT @max_count
    FOR UPDATE OF o SKIP LOCKED
)
UPDATE orders SET open_items = orders.open_items - 1 FROM next WHERE orders.id = next.id RETURNING orders.*;
