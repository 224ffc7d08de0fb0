"""All rows, by number. A new one is a class, and a line here."""

from tests.chaos.row import Row
from tests.chaos.rows import (
    api,
    bartenders,
    both,
    broker,
    commit,
    consumer,
    database,
    feed,
    limits,
    poison,
    repeats,
    soak,
    webhooks,
)

ROWS: dict[str, type[Row]] = {
    row.number: row
    for row in (
        api.ApiWorkerDies,
        api.ApiRestarts,
        consumer.ConsumerDies,
        consumer.ConsumerHangs,
        broker.BrokerCrashes,
        broker.BrokerStops,
        broker.BrokerHangs,
        limits.Alarms,
        limits.QueueFull,
        limits.Unroutable,
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
        poison.Poison,
        repeats.Repeats,
        bartenders.SameDrink,
        feed.Feed,
        webhooks.Webhooks,
        soak.Soak,
    )
}
