CREATE TABLE drinks (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    ratings smallint[]
);
