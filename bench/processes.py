"""What processes take of the machine."""

import psutil


def rss_bytes(process: psutil.Process) -> int:
    """Its memory, with what it shares with others."""
    return int(process.memory_info().rss)


def cpu_seconds(process: psutil.Process) -> float:
    """What it computed so far, in the kernel, too."""
    times = process.cpu_times()
    return float(times.user + times.system)
