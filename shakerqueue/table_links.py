"""The links on the tables: what the code that is printed on one says, and how we know our own.

A link's token is the table's id, the version of its link, and an HMAC over both. Nobody can make one up, and none is
stored: a table begins a new version, and all codes of older ones are so much paper.
"""

import hmac
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries.models import Table

LINK_PATH = "/t/"
VERSION_BYTES = 4
TAG_BYTES = 16
_TOKEN_BYTES = 16 + VERSION_BYTES + TAG_BYTES  # a multiple of three: base64 of it needs no padding


class ForeignTableLink(ShakerQueueError):
    """We never made this link."""


@dataclass(frozen=True, slots=True)
class TableLink:
    """One version of a table's link."""

    table_id: UUID
    version: int

    @classmethod
    def of(cls, table: Table) -> Self:
        """The link that is good now."""
        return cls(table.id, table.link_version)

    @classmethod
    def parse(cls, secret: bytes, token: str) -> Self:
        """The link that the token stands for.

        Raises:
            ForeignTableLink: its tag is not ours, or it has none.
        """
        try:
            raw = b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError as error:
            raise ForeignTableLink("not a table's link") from error
        said, tag = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
        if len(raw) != _TOKEN_BYTES or not hmac.compare_digest(_tag(secret, said), tag):
            raise ForeignTableLink("not a table's link of ours")
        return cls(UUID(bytes=said[:16]), int.from_bytes(said[16:]))

    def token(self, secret: bytes) -> str:
        """What stands in the link's address: 48 characters that need no escaping."""
        said = self.table_id.bytes + self.version.to_bytes(VERSION_BYTES)
        return urlsafe_b64encode(said + _tag(secret, said)).decode()


def derived_secret(order_id_secret: bytes) -> bytes:
    """A secret of the links' own, so that no tag of an order's id can ever stand for one of theirs.

    From the secret that lives and moves with the database, as the tables do: what is printed must outlive a new
    JWT_SECRET.
    """
    return hmac.digest(order_id_secret, b"shakerqueue table links", "sha256")


def table_url(root: str, table: Table, secret: bytes) -> str:
    """Where the code on the table leads; `root` is scheme and host, without a slash at the end."""
    return f"{root}{LINK_PATH}{TableLink.of(table).token(secret)}"


def _tag(secret: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, said, "sha256")[:TAG_BYTES]
