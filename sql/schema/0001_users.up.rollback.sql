DROP TABLE order_id_secret;
DROP TABLE users;
DROP TYPE user_role;
