DROP VIEW open_drinks;
DROP VIEW drinks;

-- As in 0007.
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

DROP INDEX order_items_unseen_idx;
ALTER TABLE order_items DROP CONSTRAINT order_items_only_canceled_is_unseen;
ALTER TABLE order_items DROP CONSTRAINT order_items_only_canceled_has_canceled_at;
ALTER TABLE order_items DROP COLUMN cancellation_unseen;
ALTER TABLE order_items DROP COLUMN canceled_at;

-- A type cannot lose a value, so it is made anew, and the column with it. Events that it had no name for go.
DELETE FROM order_events WHERE type = 'acknowledged';
ALTER TYPE order_event_type RENAME TO order_event_type_with_acknowledged;
CREATE TYPE order_event_type AS ENUM (
    'placed', 'started', 'completed', 'failed', 'canceled', 'recalled', 'released'
);
ALTER TABLE order_events ALTER COLUMN type TYPE order_event_type USING type::text::order_event_type;
DROP TYPE order_event_type_with_acknowledged;
