DROP INDEX orders_external_id_idx;
DROP INDEX orders_principal_id_placed_at_idx;
DROP INDEX orders_placed_at_idx;
DROP VIEW open_drinks;
