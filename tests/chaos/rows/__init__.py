"""All rows, by number. A new one is a class, and a line here."""

from tests.chaos.row import Row
from tests.chaos.rows import api, both, broker, commit, consumer, database, repeats

ROWS: dict[str, type[Row]] = {
    row.number: row
    for row in (
        api.ApiWorkerDies,
        api.ApiRestarts,
        consumer.ConsumerDies,
        broker.BrokerCrashes,
        broker.BrokerStops,
        broker.BrokerHangs,
        broker.ConfirmLost,
        consumer.AcknowledgementLost,
        commit.CommitUnknown,
        database.DatabaseRestarts,
        database.DatabaseCrashes,
        database.BackendDies,
        database.DatabaseHangs,
        database.DatabaseRefuses,
        database.DatabaseAway,
        both.BothDown,
        repeats.Repeats,
    )
}
