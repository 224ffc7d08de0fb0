-- The trace in which an order was placed, where it was recorded: whoever tells of the order later goes on with it. In
-- a table of its own, so that an order that is not traced costs nothing. Forgotten with the messages about the order.
CREATE TABLE order_traces (
    order_id uuid NOT NULL,
    traceparent text NOT NULL,  -- W3C trace context
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT order_traces_pkey PRIMARY KEY (order_id),
    CONSTRAINT order_traces_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders
);

CREATE INDEX order_traces_created_at_idx ON order_traces (created_at);
