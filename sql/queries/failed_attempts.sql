-- name: ReserveAttempt :one
-- Counts one more attempt as failed, and returns the failures of the window; nothing where there are too many already.
INSERT INTO failed_attempts AS known (subject, failures, window_ends_at)
VALUES (@subject, 1, now() + make_interval(secs => @window_seconds::int))
ON CONFLICT (subject) DO UPDATE
SET failures = CASE WHEN known.window_ends_at > now() THEN known.failures + 1 ELSE 1 END,
    window_ends_at = CASE WHEN known.window_ends_at > now() THEN known.window_ends_at ELSE excluded.window_ends_at END
WHERE known.window_ends_at <= now() OR known.failures < @max_failures::int
RETURNING failures;

-- name: GetSecondsLeft :one
-- How long the window of a subject still lasts: a second at least.
SELECT greatest(ceil(extract(epoch FROM window_ends_at - now())), 1)::int AS seconds FROM failed_attempts
WHERE subject = @subject;

-- name: GiveBackAttempt :exec
-- Takes back one attempt that was reserved and did not fail.
UPDATE failed_attempts SET failures = failures - 1
WHERE subject = @subject AND failures > 0;

-- name: ClearAttempts :exec
-- Forgets the failures of a subject.
DELETE FROM failed_attempts
WHERE subject = @subject;

-- name: DeleteEndedWindows :execrows
-- Forgets some windows that have ended, and waits for nobody.
DELETE FROM failed_attempts
WHERE subject IN (
    SELECT ended.subject FROM failed_attempts AS ended
    WHERE ended.window_ends_at <= now()
    LIMIT @max_rows::int
    FOR UPDATE SKIP LOCKED
);
