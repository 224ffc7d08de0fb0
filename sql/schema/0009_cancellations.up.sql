ALTER TYPE order_event_type ADD VALUE 'acknowledged';  -- the staff has seen that a drink was canceled

-- A drink that is canceled under somebody's hands must not just vanish: it is shown until somebody has seen it.
ALTER TABLE order_items ADD COLUMN canceled_at timestamptz;  -- null also: canceled before there was this column
ALTER TABLE order_items ADD COLUMN cancellation_unseen boolean NOT NULL DEFAULT false;
ALTER TABLE order_items ADD CONSTRAINT order_items_only_canceled_has_canceled_at
CHECK (canceled_at IS NULL OR status = 'canceled');
ALTER TABLE order_items ADD CONSTRAINT order_items_only_canceled_is_unseen
CHECK (NOT cancellation_unseen OR (status = 'canceled' AND canceled_at IS NOT NULL));

-- What is to be seen, in the order in which it was canceled. As small as the list on the board.
CREATE INDEX order_items_unseen_idx ON order_items (canceled_at, order_id, number) WHERE cancellation_unseen;

-- What a bartender has to know of a drink, in one row.
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

-- Replaced and not dropped: the processes of before read it until they are restarted.
CREATE OR REPLACE VIEW open_drinks AS
SELECT
    order_id, number, recipe_id, recipe, build, station, note, modifiers, status,
    prep_seconds, due_at, claimed_by, claim_expires_at, started_at,
    placed_at, ticket, rush, order_note,
    ingredients, allergens,
    claimed_by_username,
    order_drinks, order_drinks_left
FROM drinks
WHERE status IN ('pending', 'in_progress');
