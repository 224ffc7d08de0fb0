"""Limits that a test can reach, in a window that does not end while it looks."""

from dataclasses import replace

from flask import Flask

from shakerqueue.api.services import EXTENSION
from shakerqueue.request_counts import Count, Policy, RequestCounts

LIMITS = {"principal": 5, "address": 8, "sign-in": 3, "register": 3, "session": 3}
LONG_SECONDS = 10**9


class TightCounts(RequestCounts):
    """The product's counting, by policies of the same names that let little through."""

    def add(self, policy: Policy, who: str) -> Count:
        return super().add(Policy(policy.name, LIMITS[policy.name], LONG_SECONDS), who)


def tighten(app: Flask, store_url: str | None = None, workers: int = 1) -> TightCounts:
    """Let the application count so from now on."""
    counts = TightCounts(store_url, workers)
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], request_counts=counts)
    return counts
