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
