CREATE TYPE order_status AS ENUM (
    'pending',      -- nothing of it was started
    'in_progress',  -- some drink was started, some drink is still open
    'complete',     -- nothing open, at least one drink made
    'failed',       -- nothing open, nothing made, at least one drink failed
    'canceled'      -- every drink was canceled
);

CREATE TYPE item_status AS ENUM (
    'pending',      -- waits to be made
    'in_progress',  -- claimed by a bartender, until claim_expires_at
    'complete',     -- made
    'failed',       -- could not be made; error says why
    'canceled'      -- taken back before it was made
);

-- Never deleted. The row counts its items by status: a change of an item adds its delta here in the same
-- transaction, and the status follows from the counts, whoever commits last.
CREATE TABLE orders (
    id uuid PRIMARY KEY,           -- version 8: derived from principal, key and fingerprint
    principal_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,    -- SHA-256 of the client's JSON in canonical form
    placed_at timestamptz NOT NULL,
    ticket text,
    external_id text,
    note text,
    rush boolean NOT NULL,
    error text,                    -- why the order as a whole was refused
    pending_count integer NOT NULL,
    in_progress_count integer NOT NULL DEFAULT 0,
    complete_count integer NOT NULL DEFAULT 0,
    failed_count integer NOT NULL DEFAULT 0,
    canceled_count integer NOT NULL DEFAULT 0,
    status order_status NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN pending_count + in_progress_count > 0 THEN
                CASE WHEN in_progress_count + complete_count > 0
                    THEN 'in_progress'::order_status ELSE 'pending'::order_status END
            WHEN complete_count > 0 THEN 'complete'::order_status
            WHEN failed_count > 0 THEN 'failed'::order_status
            ELSE 'canceled'::order_status
        END
    ) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES users,
    CONSTRAINT orders_idempotency_key_length CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    CONSTRAINT orders_fingerprint_length CHECK (length(fingerprint) = 32),
    CONSTRAINT orders_ticket_length CHECK (length(ticket) <= 64),
    CONSTRAINT orders_external_id_length CHECK (length(external_id) <= 255),
    CONSTRAINT orders_note_length CHECK (length(note) <= 500),
    CONSTRAINT orders_counts_not_negative CHECK (
        least(pending_count, in_progress_count, complete_count, failed_count, canceled_count) >= 0
    ),
    CONSTRAINT orders_item_count_range CHECK (
        pending_count + in_progress_count + complete_count + failed_count + canceled_count BETWEEN 1 AND 100
    ),
    CONSTRAINT orders_refused_is_failed CHECK (error IS NULL OR status = 'failed')
);

-- One order per client key. The loser of two that raced with the same key and another payload is kept too, as
-- failed, so that its 202 is not a lie; it must not hold the key.
CREATE UNIQUE INDEX orders_idempotency_key_key ON orders (principal_id, idempotency_key)
WHERE error IS DISTINCT FROM 'idempotency_conflict';

-- One row per drink: a line with quantity 3 becomes three.
CREATE TABLE order_items (
    order_id uuid NOT NULL,
    number smallint NOT NULL,
    recipe_id uuid,                -- null: the recipe was gone before the order arrived
    recipe text NOT NULL,          -- the name at the time of the order
    build recipe_build,
    station text NOT NULL,
    note text,
    modifiers jsonb NOT NULL DEFAULT '[]',       -- ["no ice", "double"]
    status item_status NOT NULL,
    prep_seconds integer NOT NULL,  -- what it takes to make, at the time of the order
    due_at timestamptz NOT NULL,
    holds_stock boolean NOT NULL DEFAULT false,  -- it took one from recipes.remaining
    claimed_by uuid,
    claim_expires_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    error text,
    changed_by uuid,               -- who made the last change; null: nobody yet, or the system
    CONSTRAINT order_items_pkey PRIMARY KEY (order_id, number),
    CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders,
    CONSTRAINT order_items_recipe_id_fkey FOREIGN KEY (recipe_id) REFERENCES recipes,
    CONSTRAINT order_items_claimed_by_fkey FOREIGN KEY (claimed_by) REFERENCES users,
    CONSTRAINT order_items_changed_by_fkey FOREIGN KEY (changed_by) REFERENCES users,
    CONSTRAINT order_items_number_range CHECK (number BETWEEN 1 AND 100),
    CONSTRAINT order_items_recipe_length CHECK (length(recipe) BETWEEN 1 AND 100),
    CONSTRAINT order_items_note_length CHECK (length(note) <= 500),
    CONSTRAINT order_items_modifiers_is_array CHECK (jsonb_typeof(modifiers) = 'array'),
    CONSTRAINT order_items_claim_is_whole CHECK (
        status <> 'in_progress'
        OR (claimed_by IS NOT NULL AND claim_expires_at IS NOT NULL AND started_at IS NOT NULL)
    ),
    CONSTRAINT order_items_complete_has_completed_at CHECK ((status = 'complete') = (completed_at IS NOT NULL)),
    CONSTRAINT order_items_failed_has_error CHECK (status <> 'failed' OR error IS NOT NULL)
);

-- What can be made next, in deadline order. Holds only the drinks that are open, so it stays small for ever.
CREATE INDEX order_items_open_idx ON order_items (due_at, order_id, number)
WHERE status IN ('pending', 'in_progress');
