DROP TABLE failed_attempts;

DROP TRIGGER users_revoke_sessions ON users;
CREATE TRIGGER users_revoke_sessions
AFTER UPDATE ON users FOR EACH ROW
WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL))
EXECUTE FUNCTION revoke_sessions_of_user();

CREATE OR REPLACE FUNCTION revoke_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET revoked_at = clock_timestamp() WHERE user_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$$;

DROP TRIGGER users_revoke_pin_sessions ON users;
DROP FUNCTION revoke_pin_sessions_of_user;
DROP TRIGGER sessions_revoke_children ON sessions;
DROP FUNCTION revoke_child_sessions;

-- Without a parent they would be sessions with all rights of their users.
UPDATE sessions SET revoked_at = clock_timestamp() WHERE parent_id IS NOT NULL AND revoked_at IS NULL;

DROP INDEX sessions_parent_id_idx;
ALTER TABLE sessions DROP COLUMN parent_id;
ALTER TABLE users DROP COLUMN pin_hash;
