CREATE TYPE recipe_build AS ENUM (
    'stirred',  -- spirit-forward, stirred over ice
    'shaken',   -- hard shake, no citrus to balance
    'sour',     -- spirit, citrus and sweet, shaken
    'collins'   -- long, topped up in the glass
);

-- What a build takes unless a recipe says otherwise. The higher the priority, the shorter the allowed wait.
CREATE TABLE recipe_builds (
    build recipe_build PRIMARY KEY,
    prep_seconds integer NOT NULL,
    priority smallint NOT NULL,
    CONSTRAINT recipe_builds_prep_seconds_range CHECK (prep_seconds BETWEEN 1 AND 3600),
    CONSTRAINT recipe_builds_priority_range CHECK (priority BETWEEN 0 AND 9)
);

INSERT INTO recipe_builds (build, prep_seconds, priority)
VALUES ('stirred', 75, 5), ('shaken', 60, 5), ('sour', 75, 5), ('collins', 60, 6);

CREATE TABLE recipes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    build recipe_build NOT NULL REFERENCES recipe_builds,
    ingredients jsonb NOT NULL,  -- [{"name", "amount", "unit"}] in pouring order
    allergens text[] NOT NULL DEFAULT '{}',
    station text NOT NULL DEFAULT 'well',
    prep_seconds integer,        -- null: the build's
    priority smallint,           -- null: the build's
    available boolean NOT NULL DEFAULT true,
    remaining integer,           -- drinks left to sell; null: not counted
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT recipes_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT recipes_ingredients_is_array CHECK (jsonb_typeof(ingredients) = 'array'),
    CONSTRAINT recipes_station_length CHECK (length(station) BETWEEN 1 AND 40),
    CONSTRAINT recipes_prep_seconds_range CHECK (prep_seconds BETWEEN 1 AND 3600),
    CONSTRAINT recipes_priority_range CHECK (priority BETWEEN 0 AND 9),
    CONSTRAINT recipes_remaining_not_negative CHECK (remaining >= 0)
);

-- An archived recipe frees its name, and its past orders keep pointing at it.
CREATE UNIQUE INDEX recipes_name_key ON recipes (lower(name)) WHERE archived_at IS NULL;

-- Wakes every process's menu cache. A trigger, because whoever edits a recipe, by hand too, must not have to
-- think of it.
CREATE FUNCTION notify_menu_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('menu_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER recipes_notify_menu_changed
AFTER INSERT OR UPDATE OR DELETE ON recipes
FOR EACH STATEMENT EXECUTE FUNCTION notify_menu_changed();
