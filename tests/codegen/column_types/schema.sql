CREATE EXTENSION citext;
CREATE TABLE samples (
    a smallint NOT NULL, b int2 NOT NULL, c integer NOT NULL, d int NOT NULL, e int4 NOT NULL, f bigint NOT NULL,
    g int8 NOT NULL, h smallserial, i serial, j bigserial, k real NOT NULL, l double precision NOT NULL,
    m float8 NOT NULL, n numeric(10, 2) NOT NULL, o decimal NOT NULL, p boolean NOT NULL, q bool NOT NULL,
    r text NOT NULL, s varchar NOT NULL, t character varying(9) NOT NULL, u char(2) NOT NULL, v citext NOT NULL,
    w uuid NOT NULL, x bytea NOT NULL, y timestamptz NOT NULL, z timestamp with time zone NOT NULL,
    aa timestamp NOT NULL, ab date NOT NULL, ac time NOT NULL, ad interval NOT NULL, ae jsonb NOT NULL
);
CREATE VIEW sample_texts AS SELECT r, s, c FROM samples;
