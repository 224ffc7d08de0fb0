"""Who is asking: a person who signed in, or a program with an API key."""

import math
from typing import NamedTuple
from uuid import UUID

from shakerqueue.queries.models import UsableApiKey, UserRole
from shakerqueue.roles import STAFF


class Principal(NamedTuple):
    """Who is asking, and by which credential."""

    id: UUID
    role: UserRole
    credential_id: UUID  # the session of a person, the API key of a program
    token_epoch: int
    expires_at: float  # seconds since 1970
    table: str | None = None  # the label of the table that a guest without an account sits at
    scopes: frozenset[str] = frozenset()  # of a program

    @property
    def is_program(self) -> bool:
        return self.role is UserRole.INTEGRATION

    @property
    def sees_only(self) -> UUID | None:
        """Whose orders and events they see: their own; None for the staff, who see everybody's."""
        return None if self.role in STAFF else self.id


def program(key: UsableApiKey) -> Principal:
    """The integration that a key belongs to, with what this key may do."""
    return Principal(
        id=key.integration_id,
        role=UserRole.INTEGRATION,
        credential_id=key.id,
        token_epoch=0,
        expires_at=key.expires_at.timestamp() if key.expires_at else math.inf,
        scopes=frozenset(key.scopes),
    )
