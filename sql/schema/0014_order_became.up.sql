-- What the order as a whole became by a change of one of its drinks: on the last event that the change appended.
-- Null: it stayed what it was. Nobody wrote it down before this migration, nor for the seed's past orders.
ALTER TABLE order_events ADD COLUMN order_became order_status;
