-- What a program shows instead of signing in. An integration (a user of that role) owns any number of keys, so a new
-- key is the same principal: its orders and its idempotency keys stay.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    integration_id uuid NOT NULL,
    prefix text NOT NULL,          -- how the key begins: what may be shown of it, and what it is found by
    key_hash bytea NOT NULL,       -- SHA-256 of the whole key; as random as it is, nothing slower is needed
    scopes text[] NOT NULL,        -- what it may do; the names are those of shakerqueue/scopes.py
    expires_at timestamptz,        -- null: never
    last_used_at timestamptz,      -- to about a minute
    created_by uuid,               -- null: made on the command line
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    revoked_by uuid,
    CONSTRAINT api_keys_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES users,
    CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES users,
    CONSTRAINT api_keys_revoked_by_fkey FOREIGN KEY (revoked_by) REFERENCES users,
    CONSTRAINT api_keys_prefix_key UNIQUE (prefix),
    CONSTRAINT api_keys_key_hash_length CHECK (length(key_hash) = 32),
    CONSTRAINT api_keys_scopes_known CHECK (
        scopes <@ ARRAY['orders:write', 'orders:read', 'menu:read', 'menu:write', 'queue:read', 'webhooks:write']
        AND cardinality(scopes) > 0
    )
);

-- The list, the newest first.
CREATE INDEX api_keys_created_at_id_idx ON api_keys (created_at, id) WHERE revoked_at IS NULL;

-- Wakes every process that keeps the keys in memory; not for each note of a use.
CREATE FUNCTION notify_api_keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('api_keys_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_notify_api_keys_changed
AFTER INSERT OR DELETE OR UPDATE OF scopes, expires_at, revoked_at ON api_keys
FOR EACH STATEMENT EXECUTE FUNCTION notify_api_keys_changed();

-- The keys that open something now.
CREATE VIEW usable_api_keys AS
SELECT api_keys.id, api_keys.integration_id, api_keys.prefix, api_keys.key_hash, api_keys.scopes, api_keys.expires_at
FROM api_keys
JOIN users ON users.id = api_keys.integration_id
WHERE api_keys.revoked_at IS NULL AND users.disabled_at IS NULL
    AND (api_keys.expires_at IS NULL OR api_keys.expires_at > now());
