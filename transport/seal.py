"""Sealing to a recipient by HPKE (RFC 9180, base mode): specs/06-requests.md §4.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, by the cryptography package. Sealing draws
randomness, so it is not in protocol/. Who sealed is said by the statement's signature, not here.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from protocol.errors import ErrorCode, RemoteError
from protocol.requests.sealing import SEALED_LIMIT, SealBinding

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)


def seal(binding: SealBinding, plaintext: bytes) -> bytes:
    """Seal to the binding's seal key: enc || ciphertext. Raises RemoteError(WEAK_KEY)."""
    try:
        recipient = X25519PublicKey.from_public_bytes(bytes.fromhex(binding.seal_key))
        return _SUITE.encrypt(plaintext, recipient, info=binding.info())
    except ValueError as error:
        raise RemoteError(ErrorCode.WEAK_KEY, "the recipient's seal key is not usable") from error


def unseal(binding: SealBinding, secret: bytes, ciphertext: bytes) -> bytes:
    """Open a sealed part with a 32-byte X25519 secret. Raises RemoteError(NOT_OPENED) only."""
    if len(ciphertext) > SEALED_LIMIT:
        raise RemoteError(ErrorCode.TOO_LARGE, "the sealed part is too large")
    try:
        key = X25519PrivateKey.from_private_bytes(secret)
        return _SUITE.decrypt(ciphertext, key, info=binding.info())
    except (InvalidTag, ValueError):
        raise RemoteError(
            ErrorCode.NOT_OPENED, "sealed to another key, or for another request or sender"
        ) from None


def seal_public_key(secret: bytes) -> str:
    """The hex public key of an X25519 secret."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex()
