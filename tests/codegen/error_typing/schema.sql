CREATE TYPE mood AS ENUM ('fine');
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, born timestamptz NOT NULL, moods mood[] NOT NULL);
