"""The example POS is tested with the versions that it pins."""

from tests.support.compose import REPOSITORY


def test_the_example_pins_what_we_test_it_with() -> None:
    pinned = (REPOSITORY / "examples/pos/requirements.txt").read_text("utf-8").splitlines()
    ours = (REPOSITORY / "requirements-dev.txt").read_text("utf-8").splitlines()
    assert {"httpx", "standardwebhooks"} == {line.partition("==")[0] for line in pinned}
    assert [] == [line for line in pinned if f"{line} \\" not in ours]
