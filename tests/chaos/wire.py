"""Byte patterns of the two protocols, at which a proxy's trap springs."""

AMQP_PUBLISH = bytes([0, 60, 0, 40])  # class basic, method publish
AMQP_ACK = bytes([0, 0, 0, 13, 0, 60, 0, 80])  # a frame of 13 bytes: class basic, method ack
POSTGRES_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # psycopg ends a transaction by a simple query
