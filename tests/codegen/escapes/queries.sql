-- name: FindNotes :many
-- Finds a digit (\d) after """ or \ in a "body".
--
-- The second paragraph ends in "quotes".
SELECT id FROM notes
WHERE body ~ '^\d+\\"""' AND body <> 'it''s @body' AND body <> $$ @here """ $$
    -- an indented comment stays with its line: @there
    AND "body" <> E'\'@\n' AND body = @wanted
    /* so does \ this one */;

-- name: GetNote :one
-- "Quotes" at both "ends."
SELECT id FROM notes WHERE id = @id AND body LIKE '%"';

-- name: ListNotesWhoseNameIsLong :many
-- A long sentence is wrapped by the renderer, so that no line of what it renders is longer than the limit is.
SELECT id, body FROM notes WHERE body BETWEEN @the_first_of_the_bodies AND @the_last_of_the_bodies LIMIT @max_count;
