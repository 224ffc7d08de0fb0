-- Of %(orders)s orders since %(opens_at)s, %(a_night)s a night, those from the %(first)s. to the %(last)s.; all are over.
WITH menu AS (
    SELECT *, row_number() OVER (ORDER BY name) - 1 AS place, count(*) OVER () AS size FROM recipes
    WHERE archived_at IS NULL
),
guests AS (
    SELECT id, row_number() OVER (ORDER BY username) - 1 AS place, count(*) OVER () AS size FROM users
    WHERE role = 'customer'
),
placed AS (  -- every second of the first half by the same guest, who stands for a POS that was replaced then
    INSERT INTO orders (
        id, principal_id, idempotency_key, fingerprint, placed_at, ticket, rush, pending_count, complete_count,
        created_at, updated_at
    )
    SELECT
        gen_random_uuid(), guests.id, gen_random_uuid(), sha256(n::text::bytea), night.at, 'T' || mod(n, 40), false,
        0, 1 + mod(n, 5), night.at, night.at + interval '10 minutes'
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    CROSS JOIN LATERAL (
        SELECT %(opens_at)s + interval '1 day' * div(n - 1, %(a_night)s)
            + interval '9 hours' * mod(n - 1, %(a_night)s) / %(a_night)s AS at
    ) AS night
    INNER JOIN guests ON guests.place = CASE WHEN n <= %(orders)s / 2 AND mod(n, 2) = 0 THEN 0 ELSE mod(n, guests.size) END
    ORDER BY n
    RETURNING id, principal_id, placed_at, complete_count
),
made AS (
    INSERT INTO order_items (
        order_id, number, recipe_id, recipe, build, station, status, prep_seconds, due_at,
        claimed_by, started_at, completed_at, served_at, changed_by
    )
    SELECT
        placed.id, number, menu.id, menu.name, menu.build, menu.station, 'complete', 60,
        placed.placed_at + interval '5 minutes', bartender.id,
        placed.placed_at + interval '1 minute' * number, placed.placed_at + interval '1 minute' * (number + 1),
        CASE WHEN random() > 0.02 THEN placed.placed_at + interval '1 minute' * (number + 2) END, bartender.id
    FROM placed
    CROSS JOIN LATERAL generate_series(1, placed.complete_count) AS number
    INNER JOIN menu ON menu.place = mod(extract(epoch FROM placed.placed_at)::bigint + 7 * number, menu.size)
    INNER JOIN users AS bartender ON bartender.username = 'bartender'
    RETURNING *
)
INSERT INTO order_events (order_id, item_number, type, principal_id, actor_id, detail, created_at)
SELECT happened.order_id, happened.number, happened.type, happened.principal_id, happened.actor_id, '{}', happened.at
FROM (
    SELECT id AS order_id, NULL AS number, 'placed'::order_event_type AS type, principal_id, NULL AS actor_id,
        placed_at AS at, 0 AS place
    FROM placed
    UNION ALL
    SELECT made.order_id, made.number, step.type, placed.principal_id, made.claimed_by, step.at, step.place
    FROM made
    INNER JOIN placed ON placed.id = made.order_id
    CROSS JOIN LATERAL (
        VALUES
        (1, 'started'::order_event_type, made.started_at, true),
        (2, 'completed', made.completed_at, true),
        (3, 'served', made.served_at, made.served_at IS NOT NULL),
        (3, 'recalled', made.completed_at, made.served_at IS NULL),  -- made again, and nobody said that it was served
        (4, 'started', made.completed_at, made.served_at IS NULL),
        (5, 'completed', made.completed_at + interval '1 minute', made.served_at IS NULL)
    ) AS step (place, type, at, came)
    WHERE step.came
) AS happened
ORDER BY happened.at, happened.order_id, happened.number NULLS FIRST, happened.place;
