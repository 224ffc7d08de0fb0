-- name: GetLast :one
-- NULL when there is none.
SELECT max(id)::int AS last FROM users;

-- name: ListPartners :many
-- NULL when there is none.
SELECT u.id, p.name FROM users AS u LEFT JOIN LATERAL (SELECT name FROM users WHERE id = u.id + 1) AS p ON true;

-- name: ListNeighbours :many
-- NULL beside the last one.
SELECT id, (SELECT n.name FROM users AS n WHERE n.id = users.id + 1) AS neighbour FROM users;

-- name: ListNames :many
-- NULL when it is empty.
SELECT id, nullif(name, '')::text AS name FROM users;
