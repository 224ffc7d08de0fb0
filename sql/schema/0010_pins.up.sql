-- By their PINs colleagues take turns at a tablet that one of them has signed in.
ALTER TABLE users ADD COLUMN pin_hash text;  -- as the password's; null: none

-- The session that the tablet was signed in with; null: this is one of those. Nothing that was opened on a session is
-- ever left without it.
ALTER TABLE sessions ADD COLUMN parent_id uuid;
ALTER TABLE sessions ADD CONSTRAINT sessions_parent_id_fkey
FOREIGN KEY (parent_id) REFERENCES sessions ON DELETE CASCADE;

CREATE INDEX sessions_parent_id_idx ON sessions (parent_id) WHERE parent_id IS NOT NULL;

CREATE FUNCTION revoke_child_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET revoked_at = clock_timestamp() WHERE parent_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER sessions_revoke_children
AFTER UPDATE ON sessions FOR EACH ROW
WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL AND NEW.parent_id IS NULL)
EXECUTE FUNCTION revoke_child_sessions();

-- Another PIN, or none: whoever knew the old one is out.
CREATE FUNCTION revoke_pin_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET revoked_at = clock_timestamp()
    WHERE user_id = NEW.id AND parent_id IS NOT NULL AND revoked_at IS NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_revoke_pin_sessions
AFTER UPDATE ON users FOR EACH ROW
WHEN (OLD.pin_hash IS DISTINCT FROM NEW.pin_hash)
EXECUTE FUNCTION revoke_pin_sessions_of_user();

-- As before, but parents first: a switch locks the parent, then its children.
CREATE OR REPLACE FUNCTION revoke_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET revoked_at = clock_timestamp()
    WHERE user_id = NEW.id AND parent_id IS NULL AND revoked_at IS NULL;
    UPDATE sessions SET revoked_at = clock_timestamp() WHERE user_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$$;

-- Whoever leaves the staff is now signed out as well. Colleagues may act on their sign-ins, and a tablet that nobody
-- of the staff answers for must not go on.
DROP TRIGGER users_revoke_sessions ON users;
CREATE TRIGGER users_revoke_sessions
AFTER UPDATE ON users FOR EACH ROW
WHEN (
    OLD.password_hash IS DISTINCT FROM NEW.password_hash
    OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
    OR (OLD.role IN ('employee', 'admin') AND NEW.role NOT IN ('employee', 'admin'))
)
EXECUTE FUNCTION revoke_sessions_of_user();

-- Attempts that failed, or are being checked, in a window that begins with the first of them.
CREATE TABLE failed_attempts (
    subject text PRIMARY KEY,  -- what is guessed at, or from where
    failures integer NOT NULL,
    window_ends_at timestamptz NOT NULL,
    CONSTRAINT failed_attempts_failures_not_negative CHECK (failures >= 0)
);

CREATE INDEX failed_attempts_window_ends_at_idx ON failed_attempts (window_ends_at);
