-- What a bartender has to know of an open drink, in one row.
CREATE VIEW open_drinks AS
SELECT
    i.order_id, i.number, i.recipe_id, i.recipe, i.build, i.station, i.note, i.modifiers, i.status,
    i.prep_seconds, i.due_at, i.claimed_by, i.claim_expires_at, i.started_at,
    o.placed_at, o.ticket, o.rush, o.note AS order_note,
    r.ingredients, r.allergens,
    u.username AS claimed_by_username
FROM order_items AS i
JOIN orders AS o ON o.id = i.order_id
LEFT JOIN recipes AS r ON r.id = i.recipe_id
LEFT JOIN users AS u ON u.id = i.claimed_by
WHERE i.status IN ('pending', 'in_progress');

-- Lists of orders, newest first: all of them, and one guest's.
CREATE INDEX orders_placed_at_idx ON orders (placed_at, id);
CREATE INDEX orders_principal_id_placed_at_idx ON orders (principal_id, placed_at, id);
CREATE INDEX orders_external_id_idx ON orders (external_id) WHERE external_id IS NOT NULL;
