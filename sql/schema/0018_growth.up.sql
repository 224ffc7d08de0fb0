-- Reports look up what was recalled, and who had completed it; nobody else looks for the events of an order. An order
-- that is placed has none of these, so storing it does not touch a page of this index, which would be another for each
-- order. With years of events it is made by hand before, as docs/operations.md says.
CREATE INDEX IF NOT EXISTS order_events_remakes_idx ON order_events (order_id, type)
WHERE type IN ('completed', 'failed', 'recalled');
-- CONCURRENTLY that was broken off leaves the name with an index that nobody reads.
DO $$
BEGIN
    IF NOT (SELECT indisvalid FROM pg_index WHERE indexrelid = 'order_events_remakes_idx'::regclass) THEN
        RAISE EXCEPTION 'order_events_remakes_idx is invalid: drop it, and make it anew';
    END IF;
END
$$;
DROP INDEX order_events_order_id_idx;

-- A drink that is done stays in the index of the open ones until the table is vacuumed, and all who look for the next
-- one pass it by. By default that waits for a fifth of the table, which in years becomes months of drinks.
ALTER TABLE order_items SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
