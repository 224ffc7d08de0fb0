CREATE TYPE order_event_type AS ENUM (
    'placed',     -- the order was persisted
    'started',    -- a drink was claimed
    'completed',
    'failed',
    'canceled',
    'recalled',   -- a drink that was complete or failed is open again
    'released'    -- a claim was given back
);

-- Appended in the transaction of every change. The append takes a transaction lock of its own, the last one of
-- its transaction, so ids are in commit order and a reader's cursor is a plain id.
CREATE TABLE order_events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id uuid NOT NULL,
    item_number smallint,   -- null: the order as a whole
    type order_event_type NOT NULL,
    principal_id uuid NOT NULL,  -- whose order it is: a guest's feed is filtered by it
    actor_id uuid,               -- who did it; null: the system
    detail jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT order_events_pkey PRIMARY KEY (id),
    CONSTRAINT order_events_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders,
    CONSTRAINT order_events_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES users
);

CREATE INDEX order_events_order_id_idx ON order_events (order_id, id);
