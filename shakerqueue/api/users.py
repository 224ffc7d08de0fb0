"""Users, for admins."""

from typing import Any
from uuid import UUID

from shakerqueue.accounts import LastAdmin, NoSuchUser, NotAPerson, change_rights
from shakerqueue.api.account_schemas import ManagedUserSchema, RightsChangeSchema, UserListSchema, UserPageSchema
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.pages import page
from shakerqueue.api.problems import Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.queries import users
from shakerqueue.queries.models import User, UserRole
from shakerqueue.roles import ADMINS

blueprint = Blueprint("users", __name__, url_prefix="/users", description="Users, for admins")


@blueprint.route("")
@allow(ADMINS)
@blueprint.arguments(UserListSchema, location="query")
@blueprint.response(200, UserPageSchema)
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """Users by name, of one role if asked."""
    limit = query["limit"]
    (after,) = query["cursor"] or [""]
    return page("users", _users_after(after, query.get("role"), limit + 1), limit, lambda user: [user.username])


@blueprint.route("/<uuid:user_id>")
@allow(ADMINS)
@blueprint.response(200, ManagedUserSchema)
def get_user(user_id: UUID) -> User:
    """One user."""
    with services().database.connection(request_deadline()) as conn:
        user = users.get_user(conn, id=user_id)
    if user is None:
        raise _no_such_user()
    return user


@blueprint.route("/<uuid:user_id>", methods=["PATCH"])
@allow(ADMINS)
@blueprint.arguments(RightsChangeSchema)
@blueprint.response(200, ManagedUserSchema)
@contract(fails=["last_admin", "not_a_person"])
def change_user(body: dict[str, Any], user_id: UUID) -> User:
    """Give another role, disable or enable. It holds everywhere within about a second. The last admin stays."""
    try:
        with services().database.transaction(request_deadline()) as conn:
            return change_rights(conn, user_id, role=body.get("role"), disabled=body.get("disabled"))
    except NoSuchUser:
        raise _no_such_user() from None
    except LastAdmin:
        raise Problem(409, "The last admin cannot be demoted or disabled.", code="last_admin") from None
    except NotAPerson:
        raise Problem(409, "Integrations and tables' guests have one role for ever.", code="not_a_person") from None


def _users_after(username: str, role: UserRole | None, max_rows: int) -> list[User]:
    with services().database.connection(request_deadline()) as conn:
        if role is None:
            return users.list_users(conn, after=username, max_rows=max_rows)
        return users.list_users_by_role(conn, role=role, after=username, max_rows=max_rows)


def _no_such_user() -> Problem:
    return Problem(404, "There is no such user.")
