"""The seed script: `python -m seed`, or `shakerqueue seed`."""

import sys
from time import monotonic

import click

from seed.history import BATCH_SIZE, MAX_PAST_ORDERS, People, add_past_orders
from seed.loader import add_demo_users, demo_user_ids, hashed, load_recipes, missing_demo_users
from shakerqueue.config import Settings, load_settings
from shakerqueue.database import Database, running_database
from shakerqueue.errors import ConfigurationError, ShakerQueueError
from shakerqueue.passwords import PasswordHasher
from shakerqueue.queries.models import UserRole


@click.command()
@click.option(
    "--orders",
    type=click.IntRange(0, MAX_PAST_ORDERS),
    default=0,
    help="Bring the past orders of the demo customers up to so many. Not in production.",
)
def command(orders: int) -> None:
    """Load the recipes and, outside production, the demo users. Repeating it changes nothing."""
    settings = load_settings()
    if orders and settings.is_production:
        raise ConfigurationError("past orders are refused in production: nobody has ordered them")
    with running_database(settings.database_url, "shakerqueue-seed") as database:
        _seed(settings, database, orders)


def main() -> None:
    """Run the command line; our own errors end as one line and exit code 1."""
    try:
        command()
    except ShakerQueueError as error:
        sys.exit(f"seed: {error}")


def _seed(settings: Settings, database: Database, orders: int) -> None:
    with database.transaction() as conn:
        recipe_count = load_recipes(conn)
    click.echo(f"recipes: {recipe_count} new")
    if settings.is_production:
        click.echo("demo users: refused in production, their password is public")
        return
    hasher = PasswordHasher(settings.password_pepper, settings.bcrypt_cost)
    with database.connection() as conn:
        missing = missing_demo_users(conn)
    demo_users = hashed(missing, hasher.hash)
    with database.transaction() as conn:
        user_count = add_demo_users(conn, demo_users)
    click.echo(f"demo users: {user_count} new")
    if orders:
        _seed_past_orders(database, orders)


def _seed_past_orders(database: Database, total: int) -> None:
    with database.connection() as conn:
        people = People(
            customer_ids=demo_user_ids(conn, UserRole.CUSTOMER), bartender_ids=demo_user_ids(conn, UserRole.EMPLOYEE)
        )
    if not all(people):
        raise ConfigurationError("past orders need the demo users, and others have taken their names")
    began = monotonic()
    added = add_past_orders(database, people, total, lambda stored: _show(stored, total))
    seconds = monotonic() - began
    click.echo(f"past orders: {added:,} new" + (f", {added / seconds:,.0f} a second" if added else ""))


def _show(stored: int, total: int) -> None:
    """One line that moves on a terminal; elsewhere a line for each tenth."""
    line = f"past orders: {stored:,} of {total:,}"
    if sys.stdout.isatty():
        click.echo(f"\r{line}", nl=stored == total)
    elif stored == total or stored % max(total // 10, 1) < BATCH_SIZE:
        click.echo(line)


if __name__ == "__main__":
    main()
