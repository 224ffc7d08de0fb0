-- An access token says which epoch of its user it was made in. What changes a person's rights begins a new epoch,
-- and every process refuses tokens of an older one.
ALTER TABLE users ADD COLUMN token_epoch integer NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN token_epoch_began_at timestamptz;  -- null: still the first

-- The epochs that a token may still be older than: those of the last minutes.
CREATE INDEX users_token_epoch_began_at_idx ON users (token_epoch_began_at) WHERE token_epoch_began_at IS NOT NULL;

-- People of one role, in the order of the list.
CREATE INDEX users_role_username_idx ON users (role, lower(username));

-- One sign-in: the family of refresh tokens that follow from it, of which only the last one is good. Access tokens
-- name it as `sid`.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,     -- SHA-256 of the refresh token that is good now
    previous_token_hash bytea,     -- that of the one before
    rotated_at timestamptz,        -- when the one before was used
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users,
    CONSTRAINT sessions_token_hash_length CHECK (length(token_hash) = 32),
    CONSTRAINT sessions_previous_token_hash_length CHECK (length(previous_token_hash) = 32),
    CONSTRAINT sessions_rotation_is_whole CHECK ((previous_token_hash IS NULL) = (rotated_at IS NULL))
);

CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_revoked_at_idx ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- Triggers, because whoever changes a person's rights, by hand too, must not have to think of the tokens.
CREATE FUNCTION begin_token_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.token_epoch := OLD.token_epoch + 1;
    NEW.token_epoch_began_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER users_begin_token_epoch
BEFORE UPDATE ON users FOR EACH ROW
WHEN ((OLD.role, OLD.disabled_at, OLD.password_hash) IS DISTINCT FROM (NEW.role, NEW.disabled_at, NEW.password_hash))
EXECUTE FUNCTION begin_token_epoch();

-- Another role leaves people signed in: their next access token has it.
CREATE FUNCTION revoke_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET revoked_at = clock_timestamp() WHERE user_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_revoke_sessions
AFTER UPDATE ON users FOR EACH ROW
WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL))
EXECUTE FUNCTION revoke_sessions_of_user();

-- Wakes every process that keeps the revocations in memory.
CREATE FUNCTION notify_revocations_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('revocations_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER users_notify_revocations_changed
AFTER UPDATE ON users FOR EACH ROW
WHEN (OLD.token_epoch <> NEW.token_epoch)
EXECUTE FUNCTION notify_revocations_changed();

CREATE TRIGGER sessions_notify_revocations_changed
AFTER UPDATE ON sessions FOR EACH ROW
WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at)
EXECUTE FUNCTION notify_revocations_changed();
