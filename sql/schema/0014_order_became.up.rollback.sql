ALTER TABLE order_events DROP COLUMN order_became;
