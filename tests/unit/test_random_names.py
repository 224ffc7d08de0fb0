"""Names that nobody draws twice."""

import os
import string
from concurrent.futures import ThreadPoolExecutor

from shakerqueue.random_names import NAME_BYTES, random_name

DRAWN = 2_000


def test_name_is_32_hexadecimal_digits() -> None:
    name = random_name()

    assert len(name) == 2 * NAME_BYTES
    assert set(name) <= set(string.hexdigits.lower())


def test_no_two_threads_draw_the_same_name() -> None:
    with ThreadPoolExecutor(4) as threads:
        names = list(threads.map(lambda _: random_name(), range(DRAWN)))

    assert len(set(names)) == DRAWN


def test_child_process_draws_names_of_its_own() -> None:
    random_name()  # some are read ahead before the fork
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, random_name().encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 2 * NAME_BYTES).decode() != random_name()
