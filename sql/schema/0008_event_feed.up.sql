-- Wakes whoever follows the feed; it says nothing of what happened. Once a statement, so once for a batch of orders.
CREATE FUNCTION notify_order_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('order_events', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER order_events_notify_order_events
AFTER INSERT ON order_events
FOR EACH STATEMENT EXECUTE FUNCTION notify_order_events();

-- One guest's or one POS's part of the feed, from a place in it on.
CREATE INDEX order_events_principal_id_idx ON order_events (principal_id, id);
