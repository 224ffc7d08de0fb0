-- Once after each restore of something older than what was lost, as the owner, before anything of ours is started.
BEGIN;

-- Events go on with numbers far behind all that were ever given. Who has a place after the back-up's end is then told
-- `reset`, and never takes a new event for one that they have read.
DO $$ BEGIN
    PERFORM setval(pg_get_serial_sequence('order_events', 'id'), coalesce(max(id), 0) + 1000000000) FROM order_events;
END $$;

-- Signed in again are sessions that had ended since. Those that had begun since are ended by another JWT_SECRET.
UPDATE sessions SET revoked_at = clock_timestamp()
WHERE revoked_at IS NULL;

COMMIT;
