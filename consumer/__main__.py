"""The consumer process: `python -m consumer`."""

import signal
import sys
from types import FrameType

from consumer.ending import END_SECONDS, give_up
from consumer.worker import Worker
from shakerqueue import failpoints
from shakerqueue.config import load_settings
from shakerqueue.database import STORING_OPTIONS, Database
from shakerqueue.errors import ConfigurationError
from shakerqueue.messaging.topology import Topology
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.exposition import expose
from shakerqueue.telemetry.logging import configure_logging
from shakerqueue.telemetry.metrics import Part
from shakerqueue.telemetry.sampling import Sampler


def main() -> None:
    """Persist queued orders until TERM or INT; then finish the batch, acknowledge it and end."""
    settings = load_settings()
    configure_logging(settings)
    if settings.amqp_url is None:
        raise ConfigurationError("AMQP_URL=off: without a broker there is nothing to consume")
    tracing.start(settings, "shakerqueue-consumer")
    failpoints.enable(settings.failpoints_folder)
    database = Database(settings.database_url, 1, "shakerqueue-consumer", session_options=STORING_OPTIONS)
    worker = Worker(settings.amqp_url, Topology(settings.amqp_prefix), database, settings.consumer_batch_size)
    end_on_signals(worker)
    expose(settings, Part.CONSUMER)
    database.start()
    Sampler(database.samples()).start()
    worker.run()
    database.stop()
    tracing.stop()


def end_on_signals(worker: Worker) -> None:
    """The first TERM or INT lets the worker finish, the next ones change nothing; an alarm ends what does not end."""

    def end(_number: int, _frame: FrameType | None) -> None:
        if not worker.stopping:
            worker.stop()
            signal.alarm(END_SECONDS)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGALRM, give_up)


if __name__ == "__main__":
    try:
        main()
    except ConfigurationError as error:
        sys.exit(f"consumer: {error}")
