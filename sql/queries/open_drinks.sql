-- name: ListOpenDrinks :many
-- What is to be made, at one station or at all, the earliest deadline first: every drink that is in hand, however late
-- it is due, and as many of the waiting ones as asked for.
SELECT * FROM open_drinks
WHERE status = 'in_progress' AND (sqlc.narg('station')::text IS NULL OR station = sqlc.narg('station')::text)
UNION ALL
(
    SELECT * FROM open_drinks
    WHERE status = 'pending' AND (sqlc.narg('station')::text IS NULL OR station = sqlc.narg('station')::text)
    ORDER BY due_at, order_id, number
    LIMIT @waiting_at_most::integer
)
ORDER BY due_at, order_id, number;

-- name: ListOpenDrinksOfOrders :many
-- The open drinks of these orders, the earliest deadline first.
SELECT * FROM open_drinks
WHERE order_id = ANY(@order_ids::uuid[])
ORDER BY due_at, order_id, number;

-- name: CountOpenDrinksByRecipe :many
-- How many of each recipe are waiting and in hand, at one station or at all, what the bar calls all day; and in how
-- many orders the waiting ones are.
SELECT
    recipe,
    count(*) FILTER (WHERE status = 'pending')::integer AS pending,
    count(*) FILTER (WHERE status = 'in_progress')::integer AS in_progress,
    count(DISTINCT order_id) FILTER (WHERE status = 'pending')::integer AS orders
FROM order_items
WHERE status IN ('pending', 'in_progress')
    AND (sqlc.narg('station')::text IS NULL OR station = sqlc.narg('station')::text)
GROUP BY recipe
ORDER BY recipe;

-- name: ListPlacesInLine :many
-- nullable: place
-- Where orders with open drinks stand: the place of their first waiting drink, how many seconds of work there are up
-- to and with their last open one, and how many bartenders share it. Work that somebody has begun counts by what
-- should be left of it.
WITH line AS (
    SELECT
        order_id,
        status,
        count(*) FILTER (WHERE status = 'pending') OVER in_turn AS place,
        sum(
            CASE WHEN status = 'pending' THEN prep_seconds
            ELSE greatest(0, prep_seconds - extract(epoch FROM (@now::timestamptz) - started_at)) END
        ) OVER in_turn AS work_seconds
    FROM order_items
    WHERE status IN ('pending', 'in_progress')
    WINDOW in_turn AS (ORDER BY (status = 'pending'), due_at, order_id, number)
),
hands AS (
    SELECT count(DISTINCT claimed_by) AS bartenders FROM order_items
    WHERE status = 'in_progress' AND claim_expires_at > @now::timestamptz
)
SELECT
    line.order_id,
    (min(line.place) FILTER (WHERE line.status = 'pending'))::integer AS place,
    coalesce(max(line.work_seconds), 0)::double precision AS work_seconds,
    hands.bartenders::integer AS bartenders
FROM line CROSS JOIN hands
WHERE line.order_id = ANY(@order_ids::uuid[])
GROUP BY line.order_id, hands.bartenders;
