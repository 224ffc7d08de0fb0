"""Starts the consumer again at once whenever it was killed, as the init system of a real bar would."""

import threading

from dev.servers import POLL_SECONDS, Server

JOIN_SECONDS = 30.0


class Supervisor:
    """Watches one server from `start` to `stop`. `deaths` holds how each incarnation that died came to its end."""

    def __init__(self, server: Server) -> None:
        self.deaths: list[int] = []  # exit codes, negative for a signal
        self._server = server
        self._stopping = threading.Event()
        # Linux ends a process with the thread that started it, so the same thread starts every incarnation.
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the server in order, and stop watching it."""
        self._stopping.set()
        self._thread.join(JOIN_SECONDS)

    @property
    def pid(self) -> int:
        """The present incarnation."""
        return self._server.pid

    def _watch(self) -> None:
        self._server.start()
        while not self._stopping.wait(POLL_SECONDS):
            code = self._server.exit_code
            if code is not None:
                self.deaths.append(code)
                self._server.start()
        self._server.stop()
