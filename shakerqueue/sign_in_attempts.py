"""Passwords that somebody tries where one signs in: how many may be wrong.

An account has a budget, and so has the address that the attempts come from. Whoever knows an account's address of
e-mail can use the first one up, and whoever sits in the same Wi-Fi the second one. So a device on which the account has
signed in before takes from neither, but from a budget of its own.
"""

import hmac
from typing import Any, NamedTuple

from psycopg import Connection

from shakerqueue import attempts
from shakerqueue.attempts import Budget
from shakerqueue.devices import Device, Devices
from shakerqueue.queries import users
from shakerqueue.queries.models import User


class SignInAttempt(NamedTuple):
    """An attempt that is counted as failed, before its password is looked at."""

    user: User | None
    cleared: Budget  # by a success: of the account, so those before were slips
    given_back: tuple[Budget, ...]  # of others as well, whose failures a success says nothing about

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """All that it takes from, in the order in which they are locked."""
        return (*self.given_back, self.cleared)


class SignInAttempts:
    """Counts them under pseudonyms: neither an address of e-mail nor one of the net can be read from the table."""

    def __init__(self, jwt_secret: str, devices: Devices) -> None:
        self._secret = hmac.digest(jwt_secret.encode(), b"shakerqueue sign-in attempts", "sha256")
        self._devices = devices

    def begin(self, conn: Connection[Any], *, email: str, network: str, device: Device) -> SignInAttempt:
        """Count one more, as failed. In a transaction.

        An address of e-mail that nobody has is counted like any other.

        Raises:
            TooManyAttempts: it is not to be looked at.
        """
        user = users.get_user_by_email(conn, email=email)
        if user is not None and self._devices.know(device, user):
            attempt = SignInAttempt(user, attempts.sign_ins_on(self._pseudonym(device.name, str(user.id))), ())
        else:
            account = users.get_email_as_compared(conn, email=email) or ""
            of_address = attempts.sign_ins_from(self._pseudonym(network))
            attempt = SignInAttempt(user, attempts.sign_ins_of(self._pseudonym(account)), (of_address,))
        attempts.reserve(conn, *attempt.budgets)
        return attempt

    @staticmethod
    def succeed(conn: Connection[Any], attempt: SignInAttempt) -> None:
        """The password was right. In the transaction that opens the session."""
        for budget in attempt.given_back:
            attempts.give_back(conn, budget)
        attempts.clear(conn, attempt.cleared)

    def _pseudonym(self, *parts: str) -> str:
        return hmac.digest(self._secret, "\0".join(parts).encode(), "sha256").hex()[:32]
