"""The seed script: `python -m seed`."""

import sys

from seed.loader import load_demo_users, load_recipes
from shakerqueue.config import load_settings
from shakerqueue.database import Database
from shakerqueue.errors import ShakerQueueError
from shakerqueue.passwords import PasswordHasher


def main() -> None:
    """Load the recipes everywhere, and the demo users where their public password does no harm."""
    settings = load_settings()
    database = Database(settings.database_url, pool_size=1, application_name="shakerqueue-seed")
    database.start()
    with database.transaction() as conn:
        recipe_count = load_recipes(conn)
    print(f"recipes: {recipe_count} new")  # noqa: T201 - tells the one who ran the script
    if settings.is_production:
        print("demo users: refused in production, their password is public")  # noqa: T201
    else:
        hasher = PasswordHasher(settings.password_pepper, settings.bcrypt_cost)
        with database.transaction() as conn:
            user_count = load_demo_users(conn, hasher.hash)
        print(f"demo users: {user_count} new")  # noqa: T201
    database.stop()


if __name__ == "__main__":
    try:
        main()
    except ShakerQueueError as error:
        sys.exit(f"seed: {error}")
