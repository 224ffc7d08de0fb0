"""The product's own commands, run from this clone with the settings and secrets of its state."""

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from dev import state
from dev.servers import Server, run

MIGRATE = ["-m", "shakerqueue.cli", "migrate", "up"]
SEED = ["-m", "seed"]
SERVE = ["-m", "shakerqueue.cli", "serve"]
CONSUME = ["-m", "consumer"]
SEND_WEBHOOKS = ["-m", "consumer.webhooks"]
SECRETS = ["JWT_SECRET", "PASSWORD_PEPPER"]


def environment(state_folder: Path, **settings: str) -> dict[str, str]:
    """What the product reads: the state's secrets unless the caller has its own, and `settings` above all."""
    secrets = {name: state.secret(state_folder, name.lower()) for name in SECRETS if not os.environ.get(name)}
    chosen = {**secrets, **settings}
    return {"SHAKERQUEUE_ENV": "development", **inherited_environment(chosen), **chosen}


def inherited_environment(chosen: Collection[str]) -> dict[str, str]:
    """Ours, without NAME_FILE of any name that is chosen here: it would win over the chosen value."""
    files = {f"{name}_FILE" for name in chosen}
    return {name: value for name, value in os.environ.items() if name not in files}


def run_once(name: str, words: list[str], *, state_folder: Path, settings: Mapping[str, str]) -> None:
    """Run one of the product's commands to its end, its output going to the log of that name.

    Raises:
        ServerError: it failed.
    """
    run(
        [sys.executable, *words],
        name=name,
        folder=state.CLONE,
        environment=settings,
        log_path=state.log_file(state_folder, name),
    )


class ProductServer(Server):
    """The consumer, or any other command of the product that runs until it is told to stop."""

    def __init__(self, name: str, words: list[str], *, state_folder: Path, settings: dict[str, str]) -> None:
        super().__init__(folder=state.CLONE, log_path=state.log_file(state_folder, name.lower()))
        self.name = name
        self._words = words
        self._settings = settings

    def command(self) -> list[str | Path]:
        """The command, in this very Python."""
        return [sys.executable, *self._words]

    def environment(self) -> dict[str, str]:
        """The product's settings."""
        return self._settings

    def answers(self) -> bool:
        """Whether it runs: a consumer connects by itself, for as long as it takes."""
        return self.exit_code is None
