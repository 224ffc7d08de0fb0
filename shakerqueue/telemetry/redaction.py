"""What no log line may hold is blotted out of it, wherever it comes from: above all from an exception's text."""

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from shakerqueue.config import Settings

BLOT = "[redacted]"
MIN_PASSWORD_LENGTH = 12  # a shorter one may be a word, and be blotted out wherever it stands

# What is looked for first, because it costs next to nothing; then the pattern, which leaves quotation marks and
# backslashes alone, for the line is JSON already. Refresh tokens, PINs and passwords look like nothing in particular:
# they are never given to a logger, and tests/security look for them in the logs. Strangers choose what is in a line, so
# no pattern may begin in many places and look far ahead from each in vain.
_PATTERNS = [
    ("://", re.compile(r'(?<=://)[^/\s"\\@:]*:[^/\s"\\]*@'), f"{BLOT}@"),  # user and password in a URL
    ("password=", re.compile(r"(?<=password=)[^\s&'\"\\]+"), BLOT),  # in a connection string
    ("eyJ", re.compile(r"eyJ[\w-]{6,}[\w.-]*"), BLOT),  # a JSON Web Token, or what of it is left
    ("sqk_", re.compile(r"(sqk_\w+?_)\w+"), rf"\1{BLOT}"),  # an API key; its prefix is no secret
    ("whsec_", re.compile(r"whsec_[\w+/=-]+"), BLOT),  # a webhook's secret
    ("/t/", re.compile(r"/t/[\w-]+"), f"/t/{BLOT}"),  # a table's link
]

_PASSWORD_OF_URL = re.compile(r"\w+://[^:@/]*:(.*)@")


class Redaction:
    """Blots out this process's own secrets, and what has the form of somebody's credential."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = sorted({form for secret in _secrets(settings) for form in _written(secret)}, key=len)[::-1]

    def __call__(self, line: str) -> str:
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, BLOT)
        for mark, pattern, blot in _PATTERNS:
            if mark in line:
                line = pattern.sub(blot, line)
        return line


def _secrets(settings: Settings) -> Iterator[str]:
    yield settings.jwt_secret
    yield settings.password_pepper
    brokers = (settings.amqp_url or "").split(",")
    for url in (settings.database_url, *brokers, settings.rate_limit_storage_url or ""):
        yield from _passwords(url)
    for header in settings.otlp_headers.split(","):
        yield from _readings(header.partition("=")[2].strip())


def _passwords(url: str) -> Iterator[str]:
    """The password of a URL, as it stands there and as it is meant."""
    found = _PASSWORD_OF_URL.match(url.strip())
    if found:
        yield from _readings(found[1])


def _readings(secret: str) -> Iterator[str]:
    if len(secret) >= MIN_PASSWORD_LENGTH:
        yield secret
        yield unquote(secret)


def _written(secret: str) -> tuple[str, str]:
    """A secret as it is, and as JSON writes it."""
    return secret, json.dumps(secret)[1:-1]
