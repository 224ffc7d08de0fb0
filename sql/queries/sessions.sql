-- name: InsertSession :one
-- Opens a session, unless the user's rights have changed since they were read: then nothing is returned.
WITH person AS (
    -- The lock makes a change of password or role wait for this session, and then revoke it as well.
    SELECT users.id FROM users
    WHERE users.id = @user_id AND token_epoch = @token_epoch AND disabled_at IS NULL
    FOR SHARE
)
INSERT INTO sessions (id, user_id, token_hash, expires_at)
SELECT @id::uuid, person.id, @token_hash::bytea, now() + make_interval(secs => @life_seconds::int) FROM person
RETURNING *;

-- name: InsertPinSession :one
-- Opens a session on another one, its parent, unless that is over, or the user's PIN or rights have changed since they
-- were read: then nothing is returned.
WITH person AS (
    SELECT users.id FROM users
    WHERE users.id = @user_id AND token_epoch = @token_epoch AND pin_hash = @pin_hash AND disabled_at IS NULL
    FOR SHARE
), parent AS (
    -- After the person, for locks are taken in one order. Who revokes the parent waits for this session and revokes
    -- it as well, and of two that are opened at once the second waits for the first.
    SELECT sessions.id, sessions.expires_at FROM sessions, person
    WHERE sessions.id = @parent_id AND sessions.parent_id IS NULL AND revoked_at IS NULL AND expires_at > now()
    FOR NO KEY UPDATE OF sessions
)
INSERT INTO sessions (id, user_id, parent_id, token_hash, expires_at)
SELECT @id::uuid, person.id, parent.id, @token_hash::bytea, parent.expires_at FROM person, parent
RETURNING *;

-- name: GetRootSessionId :one
-- The session that was signed in with a password: this one, or the one that it was opened on.
SELECT coalesce(parent_id, id)::uuid AS root_id FROM sessions
WHERE id = @id AND revoked_at IS NULL AND expires_at > now();

-- name: RotateSession :one
-- Uses a refresh token up and makes its successor the good one. Of any number that try at once, one succeeds.
UPDATE sessions
SET token_hash = @successor_hash, previous_token_hash = token_hash, rotated_at = clock_timestamp()
WHERE id = @id AND token_hash = @token_hash AND revoked_at IS NULL AND expires_at > now()
RETURNING *;

-- name: GetSessionJustRotated :one
-- The session whose refresh token before the present one is this, if it was used up within the grace period.
SELECT * FROM sessions
WHERE id = @id AND previous_token_hash = @token_hash AND revoked_at IS NULL AND expires_at > now()
    AND rotated_at > clock_timestamp() - make_interval(secs => @grace_seconds::int);

-- name: GetSessionByToken :one
-- The session that a refresh with this token would continue: the token is the good one, or the one before it within
-- the grace period.
SELECT * FROM sessions
WHERE id = @id AND revoked_at IS NULL AND expires_at > now()
    AND (
        token_hash = @token_hash
        OR (previous_token_hash = @token_hash
            AND rotated_at > clock_timestamp() - make_interval(secs => @grace_seconds::int))
    );

-- name: RevokeSession :execrows
-- Ends a session and all its tokens.
UPDATE sessions SET revoked_at = clock_timestamp()
WHERE id = @id AND revoked_at IS NULL;

-- name: RevokeOtherPinSessions :execrows
-- Ends what was opened on a session before.
UPDATE sessions SET revoked_at = clock_timestamp()
WHERE parent_id = @parent_id AND id <> @id AND revoked_at IS NULL;

-- name: RevokeSessionsOfTable :execrows
-- Ends the sessions of everybody who came by this table's link.
UPDATE sessions SET revoked_at = clock_timestamp()
FROM users
WHERE users.id = sessions.user_id AND users.table_id = @table_id::uuid
    AND sessions.revoked_at IS NULL AND sessions.expires_at > now();

-- name: ListRevokedSessions :many
-- The sessions revoked within so many seconds: tokens that were made before may not have expired yet.
SELECT id FROM sessions
WHERE revoked_at > now() - make_interval(secs => @within_seconds::int);

-- name: DeleteEndedSessions :execrows
-- Forgets a user's sessions that ended longer ago than any access token lives.
DELETE FROM sessions
WHERE user_id = @user_id
    AND (expires_at < now() - interval '1 day' OR revoked_at < now() - interval '1 day');
