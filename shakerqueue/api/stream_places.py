"""Room for streams: each holds a thread of the server for as long as it lasts, so no guest may take it all."""

from collections import Counter
from threading import Lock
from uuid import UUID

from shakerqueue.api.principals import Principal
from shakerqueue.queries.models import UserRole
from shakerqueue.roles import STAFF

STAFFS_SHARE = 4  # a fourth of the places is kept for the staff, whose boards live on them
MAX_OF_A_CUSTOMER = 4  # tabs and phones of one person


class StreamPlaces:
    """The streams that a process holds at a time: so many, of which the last ones are the staff's alone."""

    def __init__(self, places: int) -> None:
        self._lock = Lock()
        self._left = places
        self._kept_for_staff = places // STAFFS_SHARE
        self._held: Counter[UUID] = Counter()

    def take(self, who: Principal) -> bool:
        """A place for one more stream of theirs, if there is one; to be given back."""
        with self._lock:
            if self._left <= (0 if who.role in STAFF else self._kept_for_staff):
                return False
            if who.role is UserRole.CUSTOMER and self._held[who.id] >= MAX_OF_A_CUSTOMER:
                return False
            self._left -= 1
            self._held[who.id] += 1
            return True

    def give_back(self, who: Principal) -> None:
        with self._lock:
            self._left += 1
            self._held -= Counter([who.id])  # forgets whoever holds none
