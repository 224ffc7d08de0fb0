DROP INDEX users_listed_username_idx;
DROP INDEX users_role_username_idx;
DROP INDEX users_table_id_created_at_idx;

-- Guests of tables keep their orders as what nobody can sign in as either. Disabling ends their sessions.
ALTER TABLE users DROP CONSTRAINT users_table_guest_is_customer;
UPDATE users SET role = 'integration', disabled_at = coalesce(disabled_at, now()) WHERE table_id IS NOT NULL;

ALTER TABLE users DROP CONSTRAINT users_credentials_fit_role;
ALTER TABLE users DROP COLUMN table_id;
-- As in 0001.
ALTER TABLE users ADD CONSTRAINT users_credentials_fit_role CHECK (
    (role = 'integration' AND email IS NULL AND password_hash IS NULL)
    OR (role <> 'integration' AND email IS NOT NULL AND password_hash IS NOT NULL)
);
-- As in 0005.
CREATE INDEX users_role_username_idx ON users (role, lower(username));

DROP TABLE tables;
