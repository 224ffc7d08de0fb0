-- name: GetUserByEmail :one
-- The user who signs in with this address, whatever its case; disabled ones too.
SELECT * FROM users
WHERE lower(email) = lower(@email);

-- name: GetEmailAsCompared :one
-- An address in the form in which it is compared: two that sign in to the same account are the same.
SELECT lower(@email::text)::text AS email;

-- name: GetOrderIdSecret :one
-- The secret that order ids are tagged with; the first migration made it.
SELECT secret FROM order_id_secret;

-- name: InsertUsersOnce :execrows
-- Inserts the people whose username and address are both free and leaves everyone else alone.
INSERT INTO users (username, email, password_hash, role)
SELECT unnest(@usernames::text[]), unnest(@emails::text[]), unnest(@password_hashes::text[]), unnest(@roles::user_role[])
ON CONFLICT DO NOTHING;

-- name: InsertUser :one
-- Adds a person.
INSERT INTO users (username, email, password_hash, role)
VALUES (@username, @email, @password_hash, @role)
RETURNING *;

-- name: InsertTableGuest :one
-- Adds a guest of a table: a customer without address and password.
INSERT INTO users (username, role, table_id)
VALUES (@username, 'customer', @table_id::uuid)
RETURNING *;

-- name: GetSecondsUntilTableHasRoom :one
-- Nothing while fewer than so many guests have come to this table within the window and since the given time;
-- else the seconds until the first of the last so many falls out of the window.
SELECT ceil(extract(epoch FROM created_at - now()) + (@window_seconds::int))::int AS seconds FROM users
WHERE table_id = @table_id::uuid
    AND created_at >= greatest(now() - make_interval(secs => @window_seconds::int), @since::timestamptz)
ORDER BY created_at DESC
OFFSET (@at_most::int) - 1
LIMIT 1;

-- name: GetUser :one
-- The user of this id, disabled or not.
SELECT * FROM users
WHERE id = @id;

-- name: ListUsers :many
-- Users by name, those after the given one. Guests of tables are in no list.
SELECT * FROM users
WHERE table_id IS NULL AND lower(username) > lower(@after::text)
ORDER BY lower(username)
LIMIT @max_rows::int;

-- name: ListUsersByRole :many
-- Users of one role by name, those after the given one.
SELECT * FROM users
WHERE role = @role AND table_id IS NULL AND lower(username) > lower(@after::text)
ORDER BY lower(username)
LIMIT @max_rows::int;

-- name: LockEnabledAdmins :many
-- Everyone who may administer, locked: who wants to take that away from one of them waits for whoever else does.
SELECT id FROM users
WHERE role = 'admin' AND disabled_at IS NULL
ORDER BY id
FOR UPDATE;

-- name: UpdateUserRights :one
-- Changes role or disabled, or both; what is null stays. Tokens follow by trigger.
UPDATE users
SET role = coalesce(sqlc.narg(role), role),
    disabled_at = CASE
        WHEN sqlc.narg(disabled)::boolean THEN coalesce(disabled_at, now())
        WHEN NOT sqlc.narg(disabled)::boolean THEN NULL
        ELSE disabled_at
    END,
    updated_at = now()
WHERE id = @id
RETURNING *;

-- name: UpdatePassword :one
-- Changes a password, unless the user's rights have changed since they were read. Every session ends by trigger.
UPDATE users SET password_hash = @password_hash, updated_at = now()
WHERE id = @id AND token_epoch = @token_epoch AND disabled_at IS NULL
RETURNING *;

-- name: SetPin :execrows
-- Gives another PIN, unless the user's rights have changed since they were read. PIN sessions end by trigger.
UPDATE users SET pin_hash = @pin_hash, updated_at = now()
WHERE id = @id AND token_epoch = @token_epoch AND disabled_at IS NULL;

-- name: RemovePin :execrows
-- Takes the PIN away. PIN sessions end by trigger.
UPDATE users SET pin_hash = NULL, updated_at = now()
WHERE id = @id AND pin_hash IS NOT NULL;

-- name: ListColleagues :many
-- Everyone of the staff who has a PIN, by name.
SELECT * FROM users
WHERE role IN ('employee', 'admin') AND disabled_at IS NULL AND pin_hash IS NOT NULL
ORDER BY lower(username);

-- name: GetColleague :one
-- The user of this id, if they are of the staff and have a PIN.
SELECT * FROM users
WHERE id = @id AND role IN ('employee', 'admin') AND disabled_at IS NULL AND pin_hash IS NOT NULL;

-- name: ListTokenEpochs :many
-- The users whose epoch began within so many seconds: tokens of an older one may not have expired yet.
SELECT id, token_epoch FROM users
WHERE token_epoch_began_at > now() - make_interval(secs => @within_seconds::int);
