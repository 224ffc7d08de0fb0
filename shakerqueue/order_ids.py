"""Order ids: version-8 UUIDs (RFC 9562) that every process derives alike, without asking anyone.

The 122 free bits are 90 of a SHA-256 over who orders, under which key, and what, then 32 of an HMAC over the
principal and those 90. So a repeated request meets its own order on either write path, and an id that is not
stored yet can be told from an invented one by whoever it belongs to.
"""

import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any
from uuid import UUID

DIGEST_BITS = 90
TAG_BITS = 32
_LOW_DIGEST_BITS = 62 - TAG_BITS  # the digest bits that share the last field with the tag


def fingerprint(body: Any) -> bytes:
    """SHA-256 (32 bytes) of a JSON value in canonical form: neither spacing nor the order of names counts."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


def order_id(secret: bytes, principal_id: UUID, key: str, order_fingerprint: bytes) -> UUID:
    """The id of what `principal_id` orders under `key`; the same three always give the same id."""
    key_bytes = key.encode()
    # The length in front keeps the end of the key from being read as the start of the fingerprint.
    material = principal_id.bytes + len(key_bytes).to_bytes(2) + key_bytes + order_fingerprint
    digest = int.from_bytes(hashlib.sha256(material).digest()) >> (256 - DIGEST_BITS)
    return _pack(digest, _tag(secret, principal_id, digest))


def was_issued_to(secret: bytes, principal_id: UUID, candidate: UUID) -> bool:
    """Whether `candidate` is an id that `order_id` made for this principal. A guess passes once in 2**32."""
    digest = _digest_of(candidate)
    return candidate == _pack(digest, _tag(secret, principal_id, digest))


def _tag(secret: bytes, principal_id: UUID, digest: int) -> int:
    mac = _keyed(secret).copy()  # hmac.digest would let go of Python's lock for these few bytes
    mac.update(principal_id.bytes + digest.to_bytes(12))
    return int.from_bytes(mac.digest()[: TAG_BITS // 8])


@lru_cache(maxsize=2)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")


def _pack(digest: int, tag: int) -> UUID:
    high_48 = digest >> (DIGEST_BITS - 48)
    middle_12 = (digest >> _LOW_DIGEST_BITS) & 0xFFF
    low = (digest & ((1 << _LOW_DIGEST_BITS) - 1)) << TAG_BITS | tag
    return UUID(int=high_48 << 80 | 0x8 << 76 | middle_12 << 64 | 0b10 << 62 | low)


def _digest_of(candidate: UUID) -> int:
    number = candidate.int
    low_30 = (number >> TAG_BITS) & ((1 << _LOW_DIGEST_BITS) - 1)
    return (number >> 80) << (DIGEST_BITS - 48) | ((number >> 64) & 0xFFF) << _LOW_DIGEST_BITS | low_30
