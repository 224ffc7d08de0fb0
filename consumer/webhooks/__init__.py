"""The dispatcher of webhooks: what happened becomes messages, and messages are sent until they are answered."""
