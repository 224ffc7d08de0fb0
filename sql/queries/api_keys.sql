-- name: InsertApiKey :one
-- Adds a key to an integration; nothing is returned if there is no such integration, or it is disabled.
INSERT INTO api_keys (integration_id, prefix, key_hash, scopes, expires_at, created_by)
SELECT users.id, @prefix::text, @key_hash::bytea, @scopes::text[], sqlc.narg('expires_at')::timestamptz,
    sqlc.narg('created_by')::uuid
FROM users
WHERE users.id = @integration_id AND users.role = 'integration' AND users.disabled_at IS NULL
RETURNING *;

-- name: GetIntegrationByName :one
-- The integration of this name, whatever its case, disabled or not.
SELECT * FROM users
WHERE lower(username) = lower(@name) AND role = 'integration';

-- name: ListUsableApiKeys :many
-- Every key that opens something now.
SELECT * FROM usable_api_keys;

-- name: GetUsableApiKey :one
-- The key that begins so, if it opens something now.
SELECT * FROM usable_api_keys
WHERE prefix = @prefix;

-- name: ListApiKeys :many
-- The keys that are not revoked, the newest first, from the given place on, with the names of their integrations.
SELECT api_keys.id, api_keys.integration_id, users.username AS integration, api_keys.prefix, api_keys.scopes,
    api_keys.expires_at, api_keys.last_used_at, api_keys.created_by, api_keys.created_at
FROM api_keys
JOIN users ON users.id = api_keys.integration_id
WHERE api_keys.revoked_at IS NULL
    AND (api_keys.created_at, api_keys.id) < (@before_created_at::timestamptz, @before_id::uuid)
ORDER BY api_keys.created_at DESC, api_keys.id DESC
LIMIT @at_most::integer;

-- name: RevokeApiKey :execrows
-- Ends a key for ever. A repeat changes nothing.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, @by)
WHERE id = @id;

-- name: NoteApiKeyUses :exec
-- Writes down when keys were last used. One that another process writes at this moment is left to it.
WITH free AS (
    SELECT api_keys.id FROM api_keys
    WHERE api_keys.id = ANY(@ids::uuid[])
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE api_keys
SET last_used_at = greatest(api_keys.last_used_at, used.used_at)
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@used_ats::timestamptz[]) AS used_at) AS used, free
WHERE api_keys.id = used.id AND api_keys.id = free.id;
