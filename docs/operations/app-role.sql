-- What the API, the consumer and the dispatcher may do where they run under a role of their own, which owns nothing.
--
-- Once, as an administrator:   CREATE ROLE shakerqueue_app LOGIN PASSWORD '…';
-- After each `migrate up`, as the owner of the database:   psql --set=ON_ERROR_STOP=1 --file=app-role.sql
--
-- Orders, drinks and events cannot be deleted by it, an event not be changed, and the secret of the order ids only read.
-- It cannot change the schema, nor switch off a trigger.
BEGIN;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM shakerqueue_app;
GRANT USAGE ON SCHEMA public TO shakerqueue_app;

GRANT SELECT ON
order_id_secret, recipe_builds,
drinks, open_drinks, told_events, usable_api_keys
TO shakerqueue_app;

GRANT SELECT, INSERT ON
order_events, webhook_attempts
TO shakerqueue_app;

GRANT SELECT, UPDATE ON
bar
TO shakerqueue_app;

GRANT SELECT, INSERT, UPDATE ON
users, tables, api_keys, recipes, orders, order_items
TO shakerqueue_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON
sessions, failed_attempts, webhook_endpoints, webhook_deliveries, order_traces
TO shakerqueue_app;

COMMIT;
