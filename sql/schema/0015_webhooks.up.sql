CREATE TYPE webhook_delivery_status AS ENUM (
    'pending',    -- to be sent, or sent again
    'delivered',  -- answered 2xx
    'failed'      -- given up
);

-- Where somebody wants to be told. The dispatcher that holds the lease is the only one that sends to it, and whoever
-- changes its deliveries locks this row first.
CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    integration_id uuid,              -- hears of its own orders; null: the house's, which hears of all
    url text NOT NULL,
    description text,
    types text[] NOT NULL,            -- the names are those of shakerqueue/webhook_types.py
    secret bytea NOT NULL,            -- HMAC needs the secret itself
    previous_secret bytea,            -- the one before the last rotation: its signature is sent as well, until
    previous_secret_until timestamptz,
    enabled boolean NOT NULL DEFAULT true,
    disabled_reason text,             -- why we disabled it ourselves: 'gone', it answered 410
    last_event_id bigint NOT NULL,    -- deliveries are made of the log up to here
    menu_digest bytea,                -- of what it was told last; null: nothing yet
    bar_digest bytea,
    lease_token bigint NOT NULL DEFAULT 0,  -- one more with each holder: what an older one writes is refused
    leased_until timestamptz,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT webhook_endpoints_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES users,
    CONSTRAINT webhook_endpoints_created_by_fkey FOREIGN KEY (created_by) REFERENCES users,
    CONSTRAINT webhook_endpoints_url_length CHECK (length(url) BETWEEN 1 AND 2000),
    CONSTRAINT webhook_endpoints_description_length CHECK (length(description) <= 200),
    CONSTRAINT webhook_endpoints_types_not_empty CHECK (cardinality(types) > 0),
    CONSTRAINT webhook_endpoints_secret_length CHECK (length(secret) = 32 AND length(previous_secret) = 32),
    CONSTRAINT webhook_endpoints_rotation_is_whole CHECK (
        (previous_secret IS NULL) = (previous_secret_until IS NULL)
    )
);

CREATE INDEX webhook_endpoints_integration_id_idx ON webhook_endpoints (integration_id) WHERE deleted_at IS NULL;

-- A message to an endpoint. Its id and its body stay, however often it is sent.
CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    endpoint_id uuid NOT NULL,
    type text NOT NULL,
    order_id uuid,                    -- null: of no order
    sequence integer,                 -- its place among the endpoint's messages of the order, from 1
    body text NOT NULL,
    status webhook_delivery_status NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,  -- since it was made, or sent anew by hand: they decide how long it waits
    next_attempt_at timestamptz,      -- null: done, or behind an earlier message of its order
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    CONSTRAINT webhook_deliveries_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints,
    CONSTRAINT webhook_deliveries_order_has_sequence CHECK ((order_id IS NULL) = (sequence IS NULL)),
    CONSTRAINT webhook_deliveries_done_is_not_due CHECK (
        (status = 'pending') = (done_at IS NULL) AND (status = 'pending' OR next_attempt_at IS NULL)
    )
);

-- What is to be sent, in the order in which it is due.
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (endpoint_id, next_attempt_at, created_at)
WHERE next_attempt_at IS NOT NULL;
-- One message of an order at a time: the next one waits for it.
CREATE UNIQUE INDEX webhook_deliveries_one_of_an_order_key ON webhook_deliveries (endpoint_id, order_id)
WHERE next_attempt_at IS NOT NULL AND order_id IS NOT NULL;
CREATE UNIQUE INDEX webhook_deliveries_sequence_key ON webhook_deliveries (endpoint_id, order_id, sequence)
WHERE order_id IS NOT NULL;
CREATE INDEX webhook_deliveries_waiting_idx ON webhook_deliveries (endpoint_id, order_id, sequence)
WHERE status = 'pending' AND order_id IS NOT NULL;
-- The log, the newest first; and what is old enough to be forgotten.
CREATE INDEX webhook_deliveries_created_at_id_idx ON webhook_deliveries (endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_done_at_idx ON webhook_deliveries (done_at) WHERE done_at IS NOT NULL;

-- Each time that a message was sent.
CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    began_at timestamptz NOT NULL,
    duration_seconds double precision NOT NULL,
    status_code integer,              -- null: there was no answer
    error text,                       -- what kept it from being delivered: 'timeout', 'target_refused' …
    detail text,
    excerpt text,                     -- how the answer begins
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, number),
    CONSTRAINT webhook_attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries
    ON DELETE CASCADE
);

-- Wakes the dispatchers; not for each renewal of a lease.
CREATE FUNCTION notify_webhooks_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('webhooks_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER webhook_endpoints_notify_webhooks_changed
AFTER INSERT OR UPDATE OF url, types, secret, enabled, deleted_at ON webhook_endpoints
FOR EACH STATEMENT EXECUTE FUNCTION notify_webhooks_changed();

-- An event with what its receiver wants to know of order and drink.
CREATE VIEW told_events AS
SELECT
    e.id, e.order_id, e.item_number, e.type, e.order_became, e.principal_id, e.detail, e.created_at,
    o.ticket, o.external_id, i.recipe
FROM order_events AS e
JOIN orders AS o ON o.id = e.order_id
LEFT JOIN order_items AS i ON i.order_id = e.order_id AND i.number = e.item_number;
