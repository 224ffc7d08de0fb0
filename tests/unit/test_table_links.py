"""The links on the tables: nobody but us can make one."""

from uuid import UUID

import pytest

from shakerqueue.table_links import ForeignTableLink, TableLink, derived_secret

SECRET = bytes(range(32))
LINK = TableLink(UUID(int=7), version=3)


def test_a_link_is_read_back_as_it_was_written() -> None:
    assert LINK == TableLink.parse(SECRET, LINK.token(SECRET))


def test_a_token_is_short_and_needs_no_escaping() -> None:
    token = LINK.token(SECRET)
    assert 48 == len(token)
    assert token.replace("-", "").replace("_", "").isalnum()


def test_a_link_is_always_the_same_and_another_for_each_table_version_and_secret() -> None:
    others = [TableLink(UUID(int=8), 3).token(SECRET), TableLink(UUID(int=7), 4).token(SECRET), LINK.token(bytes(32))]
    assert LINK.token(SECRET) == LINK.token(SECRET)
    assert 4 == len({LINK.token(SECRET), *others})


def test_what_we_did_not_make_is_refused() -> None:
    good = LINK.token(SECRET)
    other_end = "A" if good[-1] != "A" else "B"
    later = TableLink(LINK.table_id, LINK.version + 1).token(SECRET)
    forged = (
        "",
        "x",
        "ü",
        "A" * 48,
        good[:-4],
        good + "AAAA",
        f"{good[:9]}.{good[10:]}",
        good[:-1] + other_end,
        later[:32] + good[32:],
        LINK.token(bytes(32)),
    )
    for text in forged:
        with pytest.raises(ForeignTableLink):
            TableLink.parse(SECRET, text)


def test_its_secret_is_not_that_of_the_order_ids() -> None:
    assert derived_secret(SECRET) != SECRET
    assert derived_secret(SECRET) != derived_secret(bytes(32))
