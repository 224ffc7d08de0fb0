"""What every part of the benchmark does around its measurement: from the command line to a section that is kept."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Callable
from http.client import HTTPException
from subprocess import CalledProcessError

import httpx
import psutil
import psycopg
from msgspec.structs import asdict
from pika.exceptions import AMQPError

from bench.machine import this_machine
from bench.section import Findings, Section
from dev.rabbitmq import ensure_installed
from dev.run import interrupt_on_signals
from dev.servers import ServerError

FAILURES = (
    *(ServerError, CalledProcessError, OSError),
    *(AMQPError, psycopg.Error, psutil.Error, HTTPException, httpx.HTTPError),
)


def run(part: str, parse_options: Callable[[list[str]], Namespace], find: Callable[[Namespace], Findings]) -> int:
    """Measure, print and keep what was found. Exit code 0 when the figures count."""
    options = parse_options(sys.argv[1:])
    return interruptible(f"bench.{part}", lambda: measured(part, options, find))


def interruptible(name: str, work: Callable[[], int]) -> int:
    """The exit code of `work`; 1, and a line that says why, when it was stopped or something that it needs failed."""
    interrupt_on_signals()
    try:
        return work()
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", flush=True)
    except FAILURES as error:
        print(f"{name}: {str(error) or repr(error)}", file=sys.stderr)
    return 1


def measured(part: str, options: Namespace, find: Callable[[Namespace], Findings]) -> int:
    """The same, of a part whose options are known; any failure is passed on."""
    machine = this_machine()  # first: its load average is to be that before the run
    ensure_installed()
    section = Section(part=part, command=command(f"bench.{part}"), machine=machine, **asdict(find(options)))
    print(f"\n{section.markdown()}\n\nWritten to {section.keep()}")
    return 1 if section.problems else 0


def command(module: str) -> str:
    """How it was called."""
    return shlex.join(["python", "-m", module, *sys.argv[1:]])
