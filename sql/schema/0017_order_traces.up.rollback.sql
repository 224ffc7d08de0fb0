DROP TABLE order_traces;
