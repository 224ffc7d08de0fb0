"""The row of messages that can never be stored, or that kill whoever tries."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pika import BasicProperties

from shakerqueue.database import Database
from shakerqueue.discarding import discard
from shakerqueue.messaging import connections
from shakerqueue.messaging.dead_letters import DeadLetters, LetterFilter
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced, encode_order, pack
from tests.chaos.attempts import AttemptedOrder, published_order
from tests.chaos.guests import sign_in
from tests.chaos.house import House
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import await_fact
from tests.chaos.witnesses import DEAD, REDELIVERED

EVERYTHING = LetterFilter()
OVERSIZE_BYTES = 2_000_000
POLL_SECONDS = 0.5


class Poison(Row):
    """Each lies between good orders, which must not go with it. Afterwards all is sent anew, and given up."""

    number = "19"
    title = "poison: no JSON, NUL, lone surrogate, oversize, unknown recipe, one that kills the consumer"
    fault = "published between the guests' orders; then all dead letters retried, then discarded"
    full = Size(5_000, 30, 2)
    small = Size(300, 6)
    growing = (DEAD, REDELIVERED)

    def carry_out(self, scene: Scene) -> None:
        self._dead: set[str] = set()  # what the dead queue must hold, by its message id
        self._killers: list[AttemptedOrder] = []
        self._guest = sign_in(scene.house.api.url, "user@example.com")
        super().carry_out(scene)
        letters = DeadLetters(scene.house.servers.rabbitmq.url, scene.house.topology)
        await_fact("all poison is dead", lambda: self._lie_in(letters) >= self._wanted, poll_seconds=POLL_SECONDS)
        scene.saw("distinct poison in the dead queue", self._lie_in(letters))
        self._replay(scene, letters)
        self._discard(scene, letters)

    @property
    def _wanted(self) -> int:
        return len(self._dead)

    def _lie_in(self, letters: DeadLetters) -> int:
        return len({letter.body for letter in letters.find(EVERYTHING).letters})

    def inject(self, scene: Scene, number: int) -> None:
        kinds = (self._no_json, self._nul, self._surrogate, self._oversize, self._unknown_recipe, self._killer)
        kind: Callable[[Scene], bytes] = kinds[number % len(kinds)]
        publish(scene.house, kind(scene))
        scene.saw(f"published: {kind.__name__.strip('_').replace('_', ' ')}")

    def _no_json(self, _: Scene) -> bytes:
        return self._mark_dead(b"{" + uuid4().hex.encode())

    def _nul(self, _: Scene) -> bytes:
        return self._mark_dead(self._envelope(note="a\u0000b"))

    def _surrogate(self, _: Scene) -> bytes:
        return self._mark_dead(self._envelope(note="?").replace(b'"?"', b'"\\ud800"'))

    def _oversize(self, _: Scene) -> bytes:
        return self._mark_dead(self._envelope(note="x" * OVERSIZE_BYTES))

    def _unknown_recipe(self, scene: Scene) -> bytes:
        """Its guest was promised it: stored, and failed."""
        wanted = self._attempted(scene, "A drink that was struck off")
        return self._envelope(wanted, recipe_id=uuid4())

    def _killer(self, scene: Scene) -> bytes:
        """A good order, but for the failpoint; in one message with two that are good altogether."""
        margarita = _margarita(scene.house)
        packed = [self._attempted(scene, "Margarita") for _ in range(3)]
        killer = packed[1]
        [order_id] = killer.told_ids
        (scene.house.consumer_failpoints.folder / f"poison.{order_id}").touch()
        self._killers.append(killer)
        return self._mark_dead(pack([self._order(wanted, recipe_id=margarita) for wanted in packed]))

    def _mark_dead(self, body: bytes) -> bytes:
        self._dead.add(uuid4().hex)
        return body

    def _attempted(self, scene: Scene, recipe: str) -> AttemptedOrder:
        """Somebody's order that counts as accepted, for it is published here."""
        order = published_order(self._guest.id, recipe)
        scene.guests.orders.append(order)
        return order

    def _envelope(
        self, wanted: AttemptedOrder | None = None, *, recipe_id: UUID | None = None, note: str | None = None
    ) -> bytes:
        return pack([self._order(wanted, recipe_id=recipe_id, note=note)])

    def _order(
        self, wanted: AttemptedOrder | None = None, *, recipe_id: UUID | None = None, note: str | None = None
    ) -> bytes:
        [order_id] = wanted.told_ids if wanted else {str(uuid4())}
        recipe = wanted.recipe if wanted else "Poison"
        order = OrderPlaced(
            id=UUID(order_id),
            principal_id=UUID(self._guest.id),
            idempotency_key=(wanted.key if wanted else None) or uuid4().hex,
            fingerprint=bytes(32),
            placed_at=datetime.now(UTC),
            items=(ItemPlaced(recipe_id=recipe_id or uuid4(), recipe=recipe, note=note),),
            external_id=wanted.mark if wanted else None,
        )
        return encode_order(order)

    def _replay(self, scene: Scene, letters: DeadLetters) -> None:
        """Without its failpoint the killer is a good order; the rest comes back."""
        for killer in self._killers:
            [order_id] = killer.told_ids
            (scene.house.consumer_failpoints.folder / f"poison.{order_id}").unlink()
        letters.retry(EVERYTHING)
        ids = {order_id for killer in self._killers for order_id in killer.told_ids}
        await_fact("the replayed orders are stored", lambda: ids <= {row.id for row in scene.house.stored()})
        scene.saw("orders stored at their replay", len(ids))
        left = self._wanted - len(self._killers)
        await_fact("the rest is dead again", lambda: self._lie_in(letters) >= left, poll_seconds=POLL_SECONDS)
        if (found := self._lie_in(letters)) != left:
            scene.problems.append(f"{found} distinct dead letters after the replay, not {left}")

    def _discard(self, scene: Scene, letters: DeadLetters) -> None:
        database = Database(scene.house.database_url, pool_size=1, application_name="chaos")
        database.start()
        try:
            scene.saw("dead letters discarded", len(discard(letters, EVERYTHING, database).walk.letters))
        finally:
            database.stop()


def _margarita(house: House) -> UUID:
    [[recipe_id]] = house.query("SELECT id FROM recipes WHERE name = 'Margarita'")
    return UUID(str(recipe_id))


def publish(house: House, body: bytes) -> None:
    hosts = connections.parameters(house.servers.rabbitmq.url, "chaos", heartbeat_seconds=60)
    connection, channel = connections.open_declared(hosts, house.topology)
    with connection:
        channel.confirm_delivery()
        properties = BasicProperties(delivery_mode=2)
        channel.basic_publish(
            house.topology.orders_exchange, house.topology.orders_queue, body, properties, mandatory=True
        )
