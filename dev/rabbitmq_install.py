"""RabbitMQ's programs: found on this machine, or installed from Debian where that is permitted."""

from pathlib import Path

from dev.debian import find, install_without_service, installing_alone, root_and_apt
from dev.servers import ServerError

PACKAGE = "rabbitmq-server"
# The package's own script. Its wrapper in /usr/sbin insists on running as the system's user `rabbitmq`.
PACKAGED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
UNITS = ["rabbitmq-server.service", "epmd.service", "epmd.socket"]
ADVICE = (
    "RabbitMQ is not installed: install it (Debian: `apt-get install rabbitmq-server`, "
    "macOS: `brew install rabbitmq`), or give a running one by AMQP_URL"
)


def server_script() -> Path | None:
    """The `rabbitmq-server` to run, or None where there is none."""
    return PACKAGED if PACKAGED.exists() else find(PACKAGE)


def ensure_installed() -> Path:
    """The path of `rabbitmq-server`, installed first where it is missing and we may.

    Raises:
        ServerError: there is none, and installing is not permitted or failed.
    """
    if script := server_script():
        return script
    with installing_alone():
        if server_script() is None:
            root = root_and_apt(ADVICE)
            print("  RabbitMQ is missing: installing Debian's package rabbitmq-server (a minute or two) …", flush=True)
            install_without_service(root, PACKAGE, UNITS, ADVICE)
    if script := server_script():
        return script
    raise ServerError(ADVICE)
