"""Names that nobody draws twice: 128 random bits, as 32 hexadecimal digits.

The system's random bytes are read ahead. Each reading lets go of Python's lock, and in a busy process a request gets
that back only after everybody else: two readings a request cost more than what they read.
"""

import os
from collections import deque

NAME_BYTES = 16
_AHEAD = 256

_drawn: deque[bytes] = deque()
os.register_at_fork(after_in_child=_drawn.clear)  # both sides would go on with the same ones


def random_name() -> str:
    """One more of them; from any thread."""
    while True:
        try:
            return _drawn.pop().hex()
        except IndexError:
            block = os.urandom(NAME_BYTES * _AHEAD)
            _drawn.extend(block[start : start + NAME_BYTES] for start in range(0, len(block), NAME_BYTES))
