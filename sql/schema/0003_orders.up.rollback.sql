DROP TABLE order_items;
DROP TABLE orders;
DROP TYPE item_status;
DROP TYPE order_status;
