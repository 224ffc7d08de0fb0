CREATE TABLE orders (id integer PRIMARY KEY, ticket text NOT NULL);
CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders,
    number smallint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (order_id, number)
);
