"""What a run was measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

import psutil

from bench import peer_environment
from bench.contenders import OURS, Contender
from bench.figures import GIB
from bench.results import Machine


def this_machine() -> Machine:
    """Processor, memory, system and Python; nothing that names the machine."""
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        system=_system(),
        python=platform.python_version(),
        load_average=round(os.getloadavg()[0], 2),
    )


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        distribution = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        distribution = platform.system()
    return f"{distribution}, {platform.system()} {platform.release().partition('-')[0]}, {platform.machine()}"


def packages(contenders: list[Contender]) -> dict[str, dict[str, str]]:
    """The versions of what each contender is made of."""
    peers = peer_environment.versions()
    return {
        contender.name: {
            package: importlib.metadata.version(package) if contender.name == OURS else peers[package]
            for package in contender.packages
        }
        for contender in contenders
    }
