CREATE TYPE user_role AS ENUM (
    'customer',    -- a guest: places orders, sees and cancels own ones
    'employee',    -- bar staff: makes the drinks, edits the menu, sees every order
    'admin',       -- all that, and users, keys, webhooks, dead letters
    'integration'  -- a POS or another program: no password, owns API keys
);

-- Every principal that can own an order. Never deleted, only disabled: orders point here for ever.
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username text NOT NULL,
    email text,
    password_hash text,
    role user_role NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_username_length CHECK (length(username) BETWEEN 1 AND 64),
    CONSTRAINT users_email_length CHECK (length(email) <= 254),
    -- People sign in with both; an integration has neither, so that no password can ever open it.
    CONSTRAINT users_credentials_fit_role CHECK (
        (role = 'integration' AND email IS NULL AND password_hash IS NULL)
        OR (role <> 'integration' AND email IS NOT NULL AND password_hash IS NOT NULL)
    )
);

CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- One row for ever: every process that computes order ids must use the same secret, on both write paths and
-- after every restart. It changes only with the database itself.
CREATE TABLE order_id_secret (
    only_row boolean PRIMARY KEY DEFAULT true,
    secret bytea NOT NULL,
    CONSTRAINT order_id_secret_only_row CHECK (only_row),
    CONSTRAINT order_id_secret_length CHECK (length(secret) = 32)
);

-- Two version-4 UUIDs carry 244 random bits, from the server's strong generator and without an extension.
INSERT INTO order_id_secret (secret)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
