CREATE TABLE categories (id integer PRIMARY KEY, "from" text NOT NULL, type text NOT NULL, date date NOT NULL);
CREATE TABLE bar_statuses (id integer PRIMARY KEY, "Opening Time" time NOT NULL, class text);
CREATE TABLE staff (id integer PRIMARY KEY);
CREATE SCHEMA audit;
CREATE TABLE audit.calls (id integer PRIMARY KEY);
