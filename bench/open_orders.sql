-- What the bar has to do now: %(orders)s orders of three drinks. Of every fifth one, the first drink is in somebody's
-- hands and the second is ready.
WITH menu AS (
    SELECT *, row_number() OVER (ORDER BY name) - 1 AS place, count(*) OVER () AS size FROM recipes
    WHERE archived_at IS NULL
),
placed AS (
    INSERT INTO orders (
        id, principal_id, idempotency_key, fingerprint, placed_at, ticket, rush, pending_count, in_progress_count,
        complete_count
    )
    SELECT
        gen_random_uuid(), guest.id, gen_random_uuid(), sha256(n::text::bytea),
        now() - interval '6 seconds' * (%(orders)s - n), 'T' || mod(n, 40), false,
        3 - 2 * begun.drinks, begun.drinks, begun.drinks
    FROM generate_series(1, %(orders)s::bigint) AS n
    CROSS JOIN LATERAL (SELECT (mod(n, 5) = 0)::integer AS drinks) AS begun
    INNER JOIN users AS guest ON guest.username = 'user'
    ORDER BY n
    RETURNING *
),
ordered AS (
    INSERT INTO order_items (
        order_id, number, recipe_id, recipe, build, station, status, prep_seconds, due_at,
        claimed_by, claim_expires_at, started_at, completed_at
    )
    SELECT
        placed.id, number, menu.id, menu.name, menu.build, menu.station, state.status, 60,
        placed.placed_at + interval '5 minutes',
        CASE WHEN state.status <> 'pending' THEN bartender.id END,
        CASE WHEN state.status = 'in_progress' THEN now() + interval '1 day' END,
        CASE WHEN state.status <> 'pending' THEN now() END,
        CASE WHEN state.status = 'complete' THEN now() END
    FROM placed
    CROSS JOIN LATERAL generate_series(1, 3) AS number
    CROSS JOIN LATERAL (
        SELECT CASE number + 3 * (1 - placed.in_progress_count)
            WHEN 1 THEN 'in_progress' WHEN 2 THEN 'complete' ELSE 'pending'
        END::item_status AS status
    ) AS state
    INNER JOIN menu ON menu.place = mod(extract(epoch FROM placed.placed_at)::bigint + 7 * number, menu.size)
    INNER JOIN users AS bartender ON bartender.username = 'bartender'
)
INSERT INTO order_events (order_id, type, principal_id, created_at)
SELECT id, 'placed', principal_id, placed_at FROM placed
ORDER BY placed_at;
