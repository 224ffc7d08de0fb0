"""Rows in which the broker is well and takes no orders all the same: alarms, a full queue, no queue."""

import json

from shakerqueue.messaging import connections
from shakerqueue.messaging.dead_letters import DeadLetters
from tests.chaos.row import Row, Scene, Size, too_few_ok
from tests.chaos.rows.broker import LEAST_OK, await_requests
from tests.chaos.rows.consumer import stopped
from tests.chaos.rows.poison import EVERYTHING, publish
from tests.chaos.waiting import await_fact
from tests.chaos.witnesses import BLOCKED, BY_BROKER, FALLBACK, NACKED, PERSISTED, RETURNED

ALARMS = (
    ("memory", ("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "0.4")),
    ("disk", ("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", "50MB")),
)


class Alarms(Row):
    """RabbitMQ reads nothing more of whoever publishes. The consumer publishes nothing, and so goes on."""

    number = "8"
    title = "memory alarm; disk alarm"
    fault = "vm_memory_high_watermark 0; disk_free_limit above any disk; while orders and poison wait in the queue"
    full = Size(5_000, 4, 2)
    small = Size(300, 2)
    growing = (FALLBACK, BLOCKED)

    def inject(self, scene: Scene, number: int) -> None:
        house, broker = scene.house, scene.house.servers.rabbitmq
        what, set_alarm, end_alarm = ALARMS[number % len(ALARMS)]
        blocked = BLOCKED.read(house)
        try:
            with stopped(house.consumer.pid):
                publish(house, b"no order")  # the consumer cannot be rid of it meanwhile, and goes on all the same
                scene.await_growth(BY_BROKER, by=10)
                stored = PERSISTED.read(house)
                broker.ctl(*set_alarm)
                scene.await_totals({BLOCKED: blocked + 1})
            scene.await_totals({PERSISTED: stored + 10})  # what waited in the queue, in spite of the alarm
            await_requests(scene)
            scene.saw(f"{what} alarms in which the consumer went on")
        finally:
            broker.ctl(*end_alarm)
        scene.await_growth(BY_BROKER)
        letters = DeadLetters(broker.url, house.topology)
        await_fact("what is no order is dead", lambda: letters.find(EVERYTHING).letters, poll_seconds=0.5)
        letters.remove(EVERYTHING, lambda _: None)

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, LEAST_OK)


class QueueFull(Row):
    """It refuses what it has no room for, and that is heard."""

    number = "9"
    title = "orders queue full"
    fault = "a policy of max-length 1, while the consumer stands still"
    full = Size(5_000, 5, 5)
    small = Size(300, 1)
    growing = (FALLBACK, NACKED)

    def inject(self, scene: Scene, number: int) -> None:
        house, broker = scene.house, scene.house.servers.rabbitmq
        queue = house.topology.orders_queue
        nacked = NACKED.read(house)
        with stopped(house.consumer.pid):
            broker.ctl("set_policy", "full", f"^{queue}$", json.dumps({"max-length": 1}), "--apply-to", "queues")
            try:
                scene.await_totals({NACKED: nacked + 1})
                await_requests(scene)
                scene.saw("times that the queue was full")
            finally:
                broker.ctl("clear_policy", "full")
        scene.await_growth(BY_BROKER)

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, LEAST_OK)


class Unroutable(Row):
    """The broker confirms what no queue takes: only `mandatory` tells.

    To delete a queue is to give up what is in it, so it is deleted when nothing is: the guests stand still meanwhile.
    """

    number = "10"
    title = "orders queue unbound; deleted"
    fault = "queue.unbind and, of the empty queue, queue.delete"
    full = Size(5_000, 6, 3)
    small = Size(300, 2)
    growing = (FALLBACK, RETURNED)

    def inject(self, scene: Scene, number: int) -> None:
        returned = RETURNED.read(scene.house)
        if number % 2:
            with scene.guests.standing_still():
                await_fact("the queue is empty", lambda: self._is_empty(scene))
                self._tamper(scene, delete=True)
        else:
            self._tamper(scene, delete=False)
        scene.await_totals({RETURNED: returned + 1})
        scene.saw("deletions of the queue" if number % 2 else "unbindings of the queue")
        scene.await_growth(BY_BROKER, PERSISTED)

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, LEAST_OK)

    def _is_empty(self, scene: Scene) -> bool:
        house = scene.house
        return not house.ready_messages(house.topology.orders_queue) and not house.unacknowledged_messages()

    def _tamper(self, scene: Scene, *, delete: bool) -> None:
        topology = scene.house.topology
        hosts = connections.parameters(scene.house.servers.rabbitmq.url, "chaos", heartbeat_seconds=60)
        connection, channel = connections.open_declared(hosts, topology)
        with connection:
            if delete:
                channel.queue_delete(topology.orders_queue)
            else:
                channel.queue_unbind(topology.orders_queue, topology.orders_exchange, topology.orders_queue)
