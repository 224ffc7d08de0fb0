-- name: GetUserByEmail :one
-- The user who signs in with this address, whatever its case; disabled ones too.
SELECT * FROM users
WHERE lower(email) = lower(@email);

-- name: GetOrderIdSecret :one
-- The secret that order ids are tagged with; the first migration made it.
SELECT secret FROM order_id_secret;

-- name: InsertUsersOnce :execrows
-- Inserts the people whose username and address are both free and leaves everyone else alone.
INSERT INTO users (username, email, password_hash, role)
SELECT unnest(@usernames::text[]), unnest(@emails::text[]), unnest(@password_hashes::text[]), unnest(@roles::user_role[])
ON CONFLICT DO NOTHING;
