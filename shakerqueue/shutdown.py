"""Knowing, in any thread, that the process was asked to end.

The server's own handlers finish the requests in hand. What would hold one of those on purpose (an answer that waits
for a change, a stream) asks here whether it still should.
"""

import os
import signal
import threading

requested = threading.Event()


def watch_signals() -> None:
    """Set `requested` at the first TERM or INT, whoever handles the signal. Only from the main thread."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(read_end,), name="shutdown", daemon=True).start()


def _wait(read_end: int) -> None:
    """The interpreter writes the number of each signal into the pipe."""
    while not {signal.SIGTERM, signal.SIGINT}.intersection(os.read(read_end, 64)):
        pass
    requested.set()
