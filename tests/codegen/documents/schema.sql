CREATE TABLE recipes (
    id integer PRIMARY KEY,
    steps jsonb NOT NULL,
    extra jsonb,
    legacy json
);
