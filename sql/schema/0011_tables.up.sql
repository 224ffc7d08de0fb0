-- A table of the bar, or a place at its counter. Whoever has the link that is printed on it may order without an
-- account.
CREATE TABLE tables (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    label text NOT NULL,                                -- what guests and staff call it: the ticket of its orders
    link_version integer NOT NULL DEFAULT 1,            -- a link of an older version is good no more
    link_made_at timestamptz NOT NULL DEFAULT now(),    -- since when the present version is good
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tables_label_length CHECK (length(label) BETWEEN 1 AND 40),
    CONSTRAINT tables_link_version_positive CHECK (link_version > 0)
);

-- An archived table frees its label, and its guests keep pointing at it.
CREATE UNIQUE INDEX tables_label_key ON tables (lower(label)) WHERE archived_at IS NULL;

-- A guest who came by a table's link: a customer with neither address nor password, so that nobody ever signs in as
-- one, and a user all the same, so that the orders keep their owner.
ALTER TABLE users ADD COLUMN table_id uuid;
ALTER TABLE users ADD CONSTRAINT users_table_id_fkey FOREIGN KEY (table_id) REFERENCES tables;
ALTER TABLE users ADD CONSTRAINT users_table_guest_is_customer CHECK (table_id IS NULL OR role = 'customer');
ALTER TABLE users DROP CONSTRAINT users_credentials_fit_role;
ALTER TABLE users ADD CONSTRAINT users_credentials_fit_role CHECK (
    CASE WHEN role = 'integration' OR table_id IS NOT NULL
        THEN email IS NULL AND password_hash IS NULL
        ELSE email IS NOT NULL AND password_hash IS NOT NULL
    END
);

-- Who came by a table's link, and when.
CREATE INDEX users_table_id_created_at_idx ON users (table_id, created_at) WHERE table_id IS NOT NULL;

-- The lists of users leave the guests of tables out, however many have come.
DROP INDEX users_role_username_idx;
CREATE INDEX users_role_username_idx ON users (role, lower(username)) WHERE table_id IS NULL;
CREATE INDEX users_listed_username_idx ON users (lower(username)) WHERE table_id IS NULL;
