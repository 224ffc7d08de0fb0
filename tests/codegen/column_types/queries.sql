-- name: GetSample :one
-- Every type as a column.
SELECT * FROM samples;

-- name: ListSampleTexts :many
-- A view is a table.
SELECT * FROM sample_texts;

-- name: FindSamples :many
-- Every type as a parameter, as sqlc spells it for each kind of place.
SELECT a FROM samples
WHERE a = @a AND f = @f AND l = @l AND n = @n AND p = @p AND s = @s AND v = @v AND w = @w AND x = @x AND y = @y
    AND aa = @aa AND ab = @ab AND ac = @ac AND ad = @ad AND c = @c::pg_catalog.int4 AND u = @u AND ae = @ae
LIMIT @max_count;

-- name: ComputeSample :one
-- What is computed is cast, or is the result of a function with one meaning.
SELECT
    now() AS now, (y + ad)::timestamptz AS due, length(r)::int AS length, (a + b)::bigint AS sum, a > b AS is_more,
    gen_random_uuid() AS id, row_number() OVER (ORDER BY a) AS row_number, EXISTS (SELECT 1 FROM samples) AS found
FROM samples;
