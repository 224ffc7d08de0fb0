CREATE TYPE recipe_build AS ENUM ('stirred');
CREATE TABLE recipe_builds (build recipe_build PRIMARY KEY);
