-- name: ListUnseenCancellations :many
-- Canceled drinks that nobody has acknowledged, at one station or at all: the last ones, the latest of them last. Until
-- they are acknowledged, whoever changed them last is who canceled them.
SELECT * FROM (
    SELECT d.*, d.changed_by AS canceled_by, u.username AS canceled_by_username
    FROM drinks AS d
    LEFT JOIN users AS u ON u.id = d.changed_by
    WHERE d.cancellation_unseen
        AND (sqlc.narg('station')::text IS NULL OR d.station = sqlc.narg('station')::text)
    ORDER BY d.canceled_at DESC, d.order_id DESC, d.number DESC
    LIMIT @at_most::integer
) AS latest
ORDER BY canceled_at, order_id, number;
