"""The product says one version, wherever it says it."""

from configparser import ConfigParser

from shakerqueue import __version__
from tests.support.compose import REPOSITORY


def test_the_package_says_the_version_of_setup_cfg() -> None:
    setup = ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    assert setup["metadata"]["version"] == __version__
