"""The plugin that sqlc runs: a CodeGenRequest in, typed psycopg 3 modules out."""
