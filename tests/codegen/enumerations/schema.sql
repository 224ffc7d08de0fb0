CREATE TYPE order_status AS ENUM ('pending', 'in-progress', 'Done', '86ed');
CREATE TABLE orders (
    id integer PRIMARY KEY,
    status order_status NOT NULL,
    previous_status order_status
);
