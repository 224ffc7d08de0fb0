ALTER TYPE order_event_type ADD VALUE 'served';    -- the guest has the drink
ALTER TYPE order_event_type ADD VALUE 'unserved';  -- a wrong tap: it still stands on the bar

-- A complete drink is ready until it is served: complete says that it was made, and goes on saying so.
ALTER TABLE order_items ADD COLUMN served_at timestamptz;  -- null also: nobody said so
ALTER TABLE order_items ADD CONSTRAINT order_items_only_complete_is_served
CHECK (served_at IS NULL OR status = 'complete');

-- What is ready, in the order in which it was made. Where drinks are marked as served it is as small as what stands on
-- the bar. Where nobody marks any it is as long as the table, but is read from its end, and no further than an hour
-- back.
CREATE INDEX order_items_ready_idx ON order_items (completed_at, order_id, number)
WHERE status = 'complete' AND served_at IS NULL;

-- Replaced and not dropped: the processes of before read it until they are restarted.
CREATE OR REPLACE VIEW drinks AS
SELECT
    i.order_id, i.number, i.recipe_id, i.recipe, i.build, i.station, i.note, i.modifiers, i.status,
    i.prep_seconds, i.due_at, i.claimed_by, i.claim_expires_at, i.started_at,
    o.placed_at, o.ticket, o.rush, o.note AS order_note,
    r.ingredients, r.allergens,
    u.username AS claimed_by_username,
    (o.pending_count + o.in_progress_count + o.complete_count + o.failed_count + o.canceled_count)::integer
        AS order_drinks,
    (o.pending_count + o.in_progress_count)::integer AS order_drinks_left,
    i.error, i.changed_by, i.canceled_at, i.cancellation_unseen,
    i.completed_at, i.served_at
FROM order_items AS i
JOIN orders AS o ON o.id = i.order_id
LEFT JOIN recipes AS r ON r.id = i.recipe_id
LEFT JOIN users AS u ON u.id = i.claimed_by;
