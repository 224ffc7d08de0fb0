"""The `shakerqueue` command."""

import sys

import click

import consumer.__main__
import consumer.webhooks.__main__
import seed.__main__
from shakerqueue import api_key_commands, create_admin, dead_letter_commands, migrations, server, table_commands
from shakerqueue.config import load_settings
from shakerqueue.errors import ShakerQueueError


@click.group()
def cli() -> None:
    """The backend that runs a bar's drink orders. Settings come from the environment; README.md lists them."""


@cli.command()
def serve() -> None:
    """Serve the HTTP API until TERM or INT."""
    server.serve(load_settings())


@cli.command()
def consume() -> None:
    """Persist queued orders until TERM or INT."""
    consumer.__main__.main()


@cli.command("webhooks")
def dispatch_webhooks() -> None:
    """Send webhooks until TERM or INT."""
    consumer.webhooks.__main__.main()


cli.add_command(seed.__main__.command, "seed")
cli.add_command(dead_letter_commands.command)
cli.add_command(table_commands.command)
cli.add_command(api_key_commands.command)


@cli.command("create-admin")
@click.option("--email", required=True, help="What the admin signs in with.")
@click.option("--username", required=True)
def create_admin_command(email: str, username: str) -> None:
    """Add an admin. The password is asked for, or is the first line of standard input."""
    create_admin.create_admin(load_settings(), email=email, username=username, password=_new_password())
    click.echo(f"{username} is an admin and signs in as {email}")


def _new_password() -> str:
    """Never from the command line, where every user of the machine can read it."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@cli.group()
def migrate() -> None:
    """Change the database's schema."""


@migrate.command()
def up() -> None:
    """Apply every migration that is missing."""
    applied = migrations.migrate_up(load_settings().database_url)
    click.echo("\n".join(f"applied {id}" for id in applied) or "nothing to apply")


@migrate.command()
@click.option("--steps", type=click.IntRange(min=1), default=1, show_default=True, help="How many to take back.")
@click.option("--all", "everything", is_flag=True, help="All of them, and with them all data.")
def down(steps: int, *, everything: bool) -> None:
    """Roll back the last migrations. What they held is gone."""
    rolled_back = migrations.migrate_down(load_settings().database_url, None if everything else steps)
    click.echo("\n".join(f"rolled back {id}" for id in rolled_back) or "nothing to roll back")


@migrate.command()
def status() -> None:
    """List the migrations."""
    for id, applied in migrations.migration_status(load_settings().database_url).items():
        click.echo(f"{'applied' if applied else 'missing'}  {id}")


def main() -> None:
    """Run the command line; our own errors end as one line and exit code 1."""
    try:
        cli()
    except ShakerQueueError as error:
        sys.exit(f"shakerqueue: {error}")


if __name__ == "__main__":
    main()
