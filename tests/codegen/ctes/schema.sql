CREATE TABLE orders (
    id integer PRIMARY KEY,
    open_items integer NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL GENERATED ALWAYS AS (CASE WHEN open_items > 0 THEN 'open' ELSE 'done' END) STORED
);
CREATE UNIQUE INDEX one_open ON orders (placed_at) WHERE open_items > 0;
CREATE TABLE order_events (id bigint GENERATED ALWAYS AS IDENTITY, order_id integer NOT NULL, name text NOT NULL);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.placed_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
