-- name: ListVisits :many
-- Visits of a guest, or of everyone.
SELECT * FROM visits WHERE guest = sqlc.narg(guest) OR sqlc.narg(guest)::text IS NULL;

-- name: GetNote :one
-- The note, which can be missing for two reasons.
SELECT note FROM visits WHERE id = @id;

-- name: ListNotes :many
-- Every note, missing ones as well.
SELECT note FROM visits;

-- name: SetNote :exec
-- A nullable column makes a nullable parameter.
UPDATE visits SET note = @note WHERE id = @id;

-- name: GetLastVisit :one
-- A cast hides from sqlc that there may be no visit.
-- nullable: last_left_at
SELECT max(left_at)::timestamptz AS last_left_at, count(*) AS visits FROM visits;

-- name: GetLongestNote :one
-- Here the author answers for it.
-- nullable: none
SELECT max(length(note))::int AS length FROM visits HAVING count(*) > 0;

-- name: GetTotal :one
-- COALESCE needs no such word.
SELECT coalesce(max(id), 0)::bigint AS last_id FROM visits;
