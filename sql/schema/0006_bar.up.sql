-- Whether the bar takes orders. One row for ever; what it means at a moment follows from it and the clock, so
-- nobody has to be there when a last call ends or a pause is over.
CREATE TABLE bar (
    only_row boolean PRIMARY KEY DEFAULT true,
    accepting boolean NOT NULL DEFAULT true,
    reason text,              -- what guests are told
    closes_at timestamptz,    -- last call: accepting until then
    reopens_at timestamptz,   -- accepting again from then on; null: until somebody says so
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT bar_only_row CHECK (only_row),
    CONSTRAINT bar_reason_length CHECK (length(reason) BETWEEN 1 AND 200),
    CONSTRAINT bar_only_an_open_bar_closes CHECK (closes_at IS NULL OR accepting),
    CONSTRAINT bar_only_a_closed_bar_reopens CHECK (reopens_at IS NULL OR NOT accepting OR closes_at IS NOT NULL),
    CONSTRAINT bar_closes_before_it_reopens CHECK (closes_at < reopens_at)
);

INSERT INTO bar DEFAULT VALUES;

-- Wakes every process, as for the menu; see 0002.
CREATE FUNCTION notify_bar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bar_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER bar_notify_bar_changed
AFTER INSERT OR UPDATE OR DELETE ON bar
FOR EACH STATEMENT EXECUTE FUNCTION notify_bar_changed();

-- The pages of GET /recipes, archived ones too: those share their names.
CREATE INDEX recipes_page_idx ON recipes (lower(name), id);
