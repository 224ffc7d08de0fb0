CREATE TABLE pages (id integer PRIMARY KEY, words tsvector NOT NULL);
