-- name: ListReadyDrinks :many
-- Drinks that were made after a given time and not served, at one station or at all: the last ones, the latest of them
-- last.
SELECT * FROM (
    SELECT * FROM drinks
    WHERE status = 'complete' AND served_at IS NULL AND completed_at > @completed_after::timestamptz
        AND (sqlc.narg('station')::text IS NULL OR station = sqlc.narg('station')::text)
    ORDER BY completed_at DESC, order_id DESC, number DESC
    LIMIT @at_most::integer
) AS latest
ORDER BY completed_at, order_id, number;
