-- name: ListOrderLines :many
-- Orders without items have a line, too.
SELECT o.*, i.number, i.name FROM orders AS o LEFT JOIN order_items AS i ON i.order_id = o.id;

-- name: ListFullLines :many
-- Only orders with items.
SELECT o.*, i.number FROM orders AS o JOIN order_items AS i ON i.order_id = o.id;

-- name: ListItemCounts :many
-- sqlc takes the columns of an outer-joined subquery for NOT NULL.
-- nullable: items
SELECT o.id, c.items
FROM orders AS o
LEFT JOIN (SELECT order_id, count(*) AS items FROM order_items GROUP BY order_id) AS c ON c.order_id = o.id;

-- name: ListItemsIfAny :many
-- A table's own columns, yet each can be NULL, so it is not the table's class.
SELECT i.* FROM orders AS o LEFT JOIN order_items AS i ON i.order_id = o.id;

-- name: ListItemTotals :many
-- A count is never NULL, not even that of no rows.
SELECT o.id, (SELECT count(*) FROM order_items AS i WHERE i.order_id = o.id) AS items FROM orders AS o;

-- name: ListItems :many
-- The items of a ticket, a table's own columns in a join.
SELECT i.* FROM order_items AS i JOIN orders AS o ON o.id = i.order_id WHERE o.ticket = @ticket;
