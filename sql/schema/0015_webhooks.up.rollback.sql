DROP VIEW told_events;
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
DROP TYPE webhook_delivery_status;
DROP FUNCTION notify_webhooks_changed;
