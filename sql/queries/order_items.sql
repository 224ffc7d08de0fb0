-- name: InsertItems :many
-- Inserts the drinks of new orders and returns those that had to be refused, with the reason. The recipe
-- decides build, station and deadline. A drink may wait its preparation time and, unless it is a rush, one
-- minute for each step of priority below 10.
WITH inserted AS (
    INSERT INTO order_items (
        order_id, number, recipe_id, recipe, build, station, note, modifiers, prep_seconds, due_at, holds_stock,
        error, status
    )
    SELECT
        i.order_id, i.number, r.id, i.recipe, r.build, coalesce(r.station, 'well'), nullif(i.note, ''),
        i.modifiers::jsonb,
        coalesce(r.prep_seconds, b.prep_seconds, 60),
        i.placed_at + interval '1 second' * (
            coalesce(r.prep_seconds, b.prep_seconds, 60)
            + CASE WHEN i.rush THEN 0 ELSE 60 * (10 - coalesce(r.priority, b.priority, 5)) END
        ),
        i.holds_stock,
        refusal.error,
        CASE WHEN refusal.error IS NULL THEN 'pending'::item_status ELSE 'failed'::item_status END
    FROM (
        SELECT
            unnest(@order_ids::uuid[]) AS order_id,
            unnest(@numbers::smallint[]) AS number,
            unnest(@recipe_ids::uuid[]) AS recipe_id,
            unnest(@recipes::text[]) AS recipe,
            unnest(@notes::text[]) AS note,
            unnest(@modifiers::text[]) AS modifiers,
            unnest(@placed_ats::timestamptz[]) AS placed_at,
            unnest(@rushes::boolean[]) AS rush,
            unnest(@holds_stocks::boolean[]) AS holds_stock,
            unnest(@refusals::text[]) AS refusal
    ) AS i
    LEFT JOIN recipes AS r ON r.id = i.recipe_id
    LEFT JOIN recipe_builds AS b ON b.build = r.build
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN i.refusal <> '' THEN i.refusal
            WHEN r.id IS NULL OR r.archived_at IS NOT NULL THEN 'recipe_gone'
            WHEN NOT r.available THEN 'sold_out'
        END AS error
    ) AS refusal
    RETURNING order_id, number, error
)
SELECT order_id, number, error FROM inserted
WHERE error IS NOT NULL;

-- name: ListOrderItems :many
-- The drinks of one order, by number.
SELECT * FROM order_items
WHERE order_id = @order_id
ORDER BY number;

-- name: ListItemsOfOrders :many
-- The drinks of several orders, by order and number.
SELECT * FROM order_items
WHERE order_id = ANY(@order_ids::uuid[])
ORDER BY order_id, number;

-- name: LockItem :one
-- One drink, locked until the transaction ends.
SELECT * FROM order_items
WHERE order_id = @order_id AND number = @number
FOR NO KEY UPDATE;

-- name: LockItems :many
-- All drinks of an order, locked by number until the transaction ends.
SELECT * FROM order_items
WHERE order_id = @order_id
ORDER BY number
FOR NO KEY UPDATE;

-- name: LockNextClaimable :one
-- The drink to be made next, at one station or at any, locked: pending, or claimed by someone whose time is over.
-- A drink that another bartender is just claiming is passed over, so claims never wait and never meet.
SELECT * FROM order_items
WHERE status IN ('pending', 'in_progress') AND (status = 'pending' OR claim_expires_at <= @now::timestamptz)
    AND (sqlc.narg('station')::text IS NULL OR station = sqlc.narg('station')::text)
ORDER BY due_at, order_id, number
LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED;

-- name: LockClaimableOfRecipe :many
-- More drinks of one recipe that can be claimed now, in deadline order and locked; the given one is left out.
SELECT * FROM order_items
WHERE status IN ('pending', 'in_progress') AND (status = 'pending' OR claim_expires_at <= @now::timestamptz)
    AND recipe_id = @recipe_id::uuid AND station = @station::text
    AND NOT (order_id = @order_id AND number = @number)
ORDER BY due_at, order_id, number
LIMIT @at_most::integer
FOR NO KEY UPDATE SKIP LOCKED;

-- name: LockPendingOfRecipe :many
-- Waiting drinks of one recipe, in deadline order and locked; those that somebody is just claiming are passed over, so
-- this never waits, and its order of locks meets nobody's.
SELECT * FROM order_items
WHERE status = 'pending' AND recipe_id = @recipe_id::uuid
ORDER BY due_at, order_id, number
LIMIT @at_most::integer
FOR NO KEY UPDATE SKIP LOCKED;

-- name: CountPendingOfRecipe :one
-- How many drinks of one recipe are waiting.
SELECT count(*)::integer FROM order_items
WHERE status = 'pending' AND recipe_id = @recipe_id::uuid;

-- name: UpdateItem :exec
-- Writes what a verb changes of a drink that the caller has locked.
UPDATE order_items
SET status = @status, claimed_by = sqlc.narg('claimed_by'), claim_expires_at = sqlc.narg('claim_expires_at'),
    started_at = sqlc.narg('started_at'), completed_at = sqlc.narg('completed_at'), error = sqlc.narg('error'),
    canceled_at = sqlc.narg('canceled_at'), cancellation_unseen = @cancellation_unseen,
    served_at = sqlc.narg('served_at'), holds_stock = @holds_stock, changed_by = sqlc.narg('changed_by')
WHERE order_id = @order_id AND number = @number;
