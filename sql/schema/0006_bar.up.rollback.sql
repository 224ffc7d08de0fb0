DROP INDEX recipes_page_idx;
DROP TABLE bar;
DROP FUNCTION notify_bar_changed;
