"""The first admin: somebody has to be one before anybody can be made one over HTTP."""

from shakerqueue.accounts import add_person
from shakerqueue.api.account_schemas import RegisterSchema
from shakerqueue.config import Settings
from shakerqueue.database import running_database
from shakerqueue.operator_input import checked
from shakerqueue.passwords import PasswordHasher
from shakerqueue.queries.models import UserRole


def create_admin(settings: Settings, *, email: str, username: str, password: str) -> None:
    """Add an admin, under the rules that hold for whoever registers.

    Raises:
        Unusable: a value breaks a rule.
        Taken: somebody has this username or address; they are left as they are.
        Unavailable: the database is away, or not migrated.
    """
    person = checked(RegisterSchema(), {"email": email, "username": username, "password": password})
    hasher = PasswordHasher(settings.password_pepper, settings.bcrypt_cost)
    person["password_hash"] = hasher.hash(person.pop("password"))
    with (
        running_database(settings.database_url, "shakerqueue-create-admin") as database,
        database.transaction() as conn,
    ):
        add_person(conn, **person, role=UserRole.ADMIN)
