"""The process that sends webhooks: `python -m consumer.webhooks`."""

import asyncio
import signal
import sys

from consumer.ending import END_SECONDS, give_up
from consumer.webhooks.dispatcher import Dispatcher
from shakerqueue.config import load_settings
from shakerqueue.errors import ConfigurationError
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.exposition import expose
from shakerqueue.telemetry.logging import configure_logging
from shakerqueue.telemetry.metrics import Part


def main() -> None:
    """Send webhooks until TERM or INT; then let what is in flight end."""
    asyncio.run(_dispatch())


async def _dispatch() -> None:
    settings = load_settings()
    configure_logging(settings)
    tracing.start(settings, "shakerqueue-webhooks")
    dispatcher = Dispatcher(settings)
    expose(settings, Part.WEBHOOKS)

    def end() -> None:
        signal.alarm(END_SECONDS)
        dispatcher.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    signal.signal(signal.SIGALRM, give_up)
    await dispatcher.run()
    tracing.stop()


if __name__ == "__main__":
    try:
        main()
    except ConfigurationError as error:
        sys.exit(f"webhooks: {error}")
