"""Tokens that somebody else made: signed otherwise, altered, or with a header that brings its own key."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from jwt.algorithms import RSAAlgorithm

from tests.support.bar import Bar
from tests.support.tokens import LET_IN, access_claims, status_with

pytestmark = pytest.mark.shares_bar

FORGERS_SECRET = "another secret that is long enough"
FORGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORGERS_JWK = RSAAlgorithm.to_jwk(FORGERS_KEY.public_key(), as_dict=True)
FORGERS_OCTETS = {"kty": "oct", "k": base64.urlsafe_b64encode(FORGERS_SECRET.encode()).decode()}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def part(content: Any) -> str:
    return encoded(json.dumps(content).encode())


def content_of(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return decoded


def signed(payload: str, secret: str, digest: str = "sha256", **header: Any) -> str:
    """A token made by hand, for libraries refuse to make what is to be refused."""
    said = f"{part({'alg': 'HS256', 'typ': 'JWT', **header})}.{payload}"
    return f"{said}.{encoded(hmac.digest(secret.encode(), said.encode(), digest))}"


@pytest.fixture
def good(bar: Bar) -> str:
    return jwt.encode(access_claims(), bar.settings.jwt_secret, "HS256")


def test_sec_01_a_token_of_our_own_making_is_let_in(client: FlaskClient, bar: Bar, good: str) -> None:
    """The tests below change one thing each; this one shows that the rest of them is right."""
    by_hand = signed(good.split(".")[1], bar.settings.jwt_secret)
    assert [LET_IN] * 2 == [status_with(client, token) for token in (good, by_hand)]


def test_sec_01_no_other_algorithm_is_taken(client: FlaskClient, bar: Bar, good: str) -> None:
    secret = bar.settings.jwt_secret
    _, payload, signature = good.split(".")
    tokens = [
        *(f"{part({'alg': name, 'typ': 'JWT'})}.{payload}." for name in ("none", "None", "NONE", "", None)),
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{payload}.{signature}",
        f"{part({'typ': 'JWT'})}.{payload}.{signature}",
        signed(payload, secret, "sha512", alg="HS512"),
        signed(payload, secret, "sha384", alg="HS384"),
        signed(payload, secret, alg="RS256"),
        jwt.encode(access_claims(), FORGERS_KEY, "RS256"),
    ]
    assert [401] * len(tokens) == [status_with(client, token) for token in tokens]


def test_sec_01_what_was_altered_or_signed_by_somebody_else_is_refused(client: FlaskClient, good: str) -> None:
    header, payload, signature = good.split(".")
    altered = part({**content_of(payload), "role": "employee"})
    tokens = [
        jwt.encode(access_claims(), FORGERS_SECRET, "HS256"),
        f"{header}.{altered}.{signature}",
        f"{header}.{payload}.{signature[:-5]}{signature[-5:][::-1]}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{good}.{signature}",
        "gibberish",
        "ü",
    ]
    assert [401] * len(tokens) == [status_with(client, token) for token in tokens]


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": FORGERS_OCTETS},
        {"jku": "https://forger.example/jwks.json"},
        {"x5u": "https://forger.example/certificate.pem"},
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'another secret that is long enough' --"},
        {"crit": ["exp"]},
    ],
    ids=str,
)
def test_sec_01_a_header_that_names_a_key_is_refused_however_it_is_signed(
    client: FlaskClient, bar: Bar, good: str, header: dict[str, Any]
) -> None:
    """Ours never names one, so even under our own secret it is not ours."""
    payload = good.split(".")[1]
    tokens = [signed(payload, secret, **header) for secret in ("", FORGERS_SECRET, bar.settings.jwt_secret)]
    tokens.append(jwt.encode(access_claims(), FORGERS_KEY, "RS256", headers={"jwk": FORGERS_JWK, **header}))
    assert [401] * len(tokens) == [status_with(client, token) for token in tokens]
