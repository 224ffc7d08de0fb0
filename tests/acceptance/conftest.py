"""What the acceptance tests share."""

import pytest

from dev.debian import ensure_program
from dev.servers import ServerError


@pytest.fixture
def curl() -> None:
    """Skips the test where there is no curl and none can be had."""
    try:
        ensure_program("curl")
    except ServerError as error:
        pytest.skip(str(error))
