DROP VIEW open_drinks;
DROP VIEW drinks;

DROP INDEX order_items_ready_idx;
ALTER TABLE order_items DROP CONSTRAINT order_items_only_complete_is_served;
ALTER TABLE order_items DROP COLUMN served_at;

-- As in 0009.
CREATE VIEW drinks AS
SELECT
    i.order_id, i.number, i.recipe_id, i.recipe, i.build, i.station, i.note, i.modifiers, i.status,
    i.prep_seconds, i.due_at, i.claimed_by, i.claim_expires_at, i.started_at,
    o.placed_at, o.ticket, o.rush, o.note AS order_note,
    r.ingredients, r.allergens,
    u.username AS claimed_by_username,
    (o.pending_count + o.in_progress_count + o.complete_count + o.failed_count + o.canceled_count)::integer
        AS order_drinks,
    (o.pending_count + o.in_progress_count)::integer AS order_drinks_left,
    i.error, i.changed_by, i.canceled_at, i.cancellation_unseen
FROM order_items AS i
JOIN orders AS o ON o.id = i.order_id
LEFT JOIN recipes AS r ON r.id = i.recipe_id
LEFT JOIN users AS u ON u.id = i.claimed_by;

CREATE VIEW open_drinks AS
SELECT
    order_id, number, recipe_id, recipe, build, station, note, modifiers, status,
    prep_seconds, due_at, claimed_by, claim_expires_at, started_at,
    placed_at, ticket, rush, order_note,
    ingredients, allergens,
    claimed_by_username,
    order_drinks, order_drinks_left
FROM drinks
WHERE status IN ('pending', 'in_progress');

-- A type cannot lose a value, so it is made anew, and the column with it. Events that it had no name for go.
DELETE FROM order_events WHERE type IN ('served', 'unserved');
ALTER TYPE order_event_type RENAME TO order_event_type_with_served;
CREATE TYPE order_event_type AS ENUM (
    'placed', 'started', 'completed', 'failed', 'canceled', 'recalled', 'released', 'acknowledged'
);
ALTER TABLE order_events ALTER COLUMN type TYPE order_event_type USING type::text::order_event_type;
DROP TYPE order_event_type_with_served;
