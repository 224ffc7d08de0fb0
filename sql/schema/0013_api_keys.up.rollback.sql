-- The integrations stay: orders point at them.
DROP VIEW usable_api_keys;
DROP TABLE api_keys;
DROP FUNCTION notify_api_keys_changed;
