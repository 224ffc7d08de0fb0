DROP TABLE recipes;
DROP FUNCTION notify_menu_changed;
DROP TABLE recipe_builds;
DROP TYPE recipe_build;
