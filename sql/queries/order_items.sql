-- name: InsertItems :many
-- Inserts the drinks of new orders and returns those that had to be refused, with the reason. The recipe
-- decides build, station and deadline. A drink may wait its preparation time and, unless it is a rush, one
-- minute for each step of priority below 10.
WITH inserted AS (
    INSERT INTO order_items (
        order_id, number, recipe_id, recipe, build, station, note, modifiers, due_at, holds_stock, error, status
    )
    SELECT
        i.order_id, i.number, r.id, i.recipe, r.build, coalesce(r.station, 'well'), nullif(i.note, ''),
        i.modifiers::jsonb,
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
