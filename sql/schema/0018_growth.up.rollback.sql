ALTER TABLE order_items RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
CREATE INDEX order_events_order_id_idx ON order_events (order_id, id);
DROP INDEX order_events_remakes_idx;
