CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, born timestamptz NOT NULL);
