"""All rows, by number. A new one is a class, and a line here."""

from tests.chaos.row import Row
from tests.chaos.rows import broker, consumer, database

ROWS: dict[str, type[Row]] = {
    row.number: row
    for row in (
        consumer.ConsumerDies,
        broker.BrokerCrashes,
        consumer.AcknowledgementLost,
        database.DatabaseRestarts,
        database.DatabaseCrashes,
        database.BackendDies,
    )
}
