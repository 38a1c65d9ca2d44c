"""The node's side of the threshold OPRF: cache, blind, ask a quorum, verify, finalise.

specs/03-tokens.md §5. No match-key value leaves the node: key holders see blinded points. Tokens
and link secrets are cached sealed; only what is new is evaluated.
"""

import asyncio
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import nacl.secret
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from nacl.bindings import crypto_secretbox_easy

from keys.batch import pack_points, unpack_points
from keys.dleq import PROOF_BYTES, parse_proof
from keys.group import UNIFORM_BYTES
from keys.threshold import PartialEvaluation, Quorum, make_quorum
from node.membership.hub import HubMembership
from node.publishing.workers import Workers, blinded, finished
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import TokenHolder
from protocol.governance.limits import allowed
from protocol.messages.evaluations import EvaluateBody
from protocol.tokens import split_output

BATCH = 2048
PARTS = 4  # of what we may have evaluated: so much is lost where a key holder stops in between
MOST_AT_ONCE = 8


@dataclass(frozen=True)
class TokenPair:
    """A token (published) and its link secret (never leaves the node)."""

    token: bytes
    link_secret: bytes = field(repr=False)


class TokenCache:
    """Tokens by a keyed digest of their input, sealed under the node's cache key."""

    def __init__(self, membership: HubMembership) -> None:
        self._hub_id = membership.hub.hub_id
        self._key = membership.keys.cache.value
        self._keyed = HMAC(self._key, SHA256())
        self._box = nacl.secret.SecretBox(self._key)
        self._random = membership.env.random
        self._made: dict[bytes, TokenPair] = {}

    def digest(self, token_input: bytes) -> bytes:
        """The name under which an input is cached; says nothing without the cache key."""
        return self._digest(token_input)

    def name(self, said: bytes) -> bytes:
        """A name for anything else (no input begins so); says nothing without the cache key."""
        return self._digest(b"\xff\xff" + said)

    def _digest(self, said: bytes) -> bytes:
        keyed = self._keyed.copy()  # what it makes of the key alone is made once
        keyed.update(said)
        return keyed.finalize()[:16]

    def known(self, tables: NodeTables, digests: Collection[bytes]) -> set[bytes]:
        """Those of the digests that are cached."""
        return tables.sealed_tokens.known(self._hub_id, digests)

    def get(self, tables: NodeTables, digest: bytes) -> TokenPair:
        """A cached pair. Raises LocalError(NOT_FOUND)."""
        return self.get_all(tables, [digest])[digest]

    def get_all(self, tables: NodeTables, digests: Collection[bytes]) -> dict[bytes, TokenPair]:
        """Cached pairs by digest. Raises LocalError(NOT_FOUND) where one is missing."""
        found = {digest: pair for digest in digests if (pair := self._made.get(digest))}
        rest = {digest for digest in digests if digest not in found}
        sealed = tables.sealed_tokens.sealed(self._hub_id, rest)
        if len(sealed) < len(rest):
            raise LocalError(ErrorCode.NOT_FOUND, "a token is not in the cache; publish again")
        return found | {digest: self._open(data) for digest, data in sealed.items()}

    def remember(self, pairs: Mapping[bytes, TokenPair]) -> None:
        """Have pairs that are kept at hand, to be published in a moment."""
        self._made |= pairs

    def put_away(self, digests: Collection[bytes]) -> None:
        """These are published."""
        for digest in digests:
            self._made.pop(digest, None)

    async def seal(self, pairs: Mapping[bytes, TokenPair]) -> dict[bytes, bytes]:
        """Pairs as they are kept."""
        key, size = self._key, self._box.NONCE_SIZE
        drawn = self._random(size * len(pairs))
        nonces = [drawn[at : at + size] for at in range(0, len(drawn), size)]

        def work() -> dict[bytes, bytes]:
            return {
                digest: nonce + crypto_secretbox_easy(pair.token + pair.link_secret, nonce, key)
                for nonce, (digest, pair) in zip(nonces, pairs.items(), strict=True)
            }

        return await asyncio.to_thread(work)

    def keep(self, tables: NodeTables, sealed: Mapping[bytes, bytes]) -> None:
        """Keep sealed pairs."""
        tables.sealed_tokens.put(self._hub_id, sealed)

    def _open(self, sealed: bytes) -> TokenPair:
        opened = self._box.decrypt(sealed)
        return TokenPair(opened[:16], opened[16:])


class TokenClient:
    """Evaluates inputs with a quorum of key holders."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership
        self._workers = Workers()
        self._away: frozenset[int] = frozenset()  # the key holders that did not answer last

    @property
    def at_once(self) -> int:
        """How many batches to have under way: one at the key holders, one on each processor."""
        return min(MOST_AT_ONCE, 1 + (os.cpu_count() or 1))

    @property
    def batch(self) -> int:
        """How many inputs to evaluate in a batch: all or nothing, so a part of what we may have."""
        quotas, clients = self._membership.charter.quotas, self._membership.me().body.clients or 0
        at_once = allowed(quotas.evaluations_at_once or quotas.evaluations_per_day, clients)
        return max(1, min(BATCH, at_once // PARTS // self.at_once))

    async def evaluate(self, inputs: Sequence[bytes]) -> list[TokenPair]:
        """A pair for each input, in order. Raises RemoteError; a cheating holder is named."""
        size = len(inputs)
        uniform = self._membership.env.random(size * UNIFORM_BYTES)
        points = await self._workers.run(size, blinded, inputs, uniform)
        quorum, answers = await self._ask_quorum(points)
        outputs = await self._workers.run(size, finished, inputs, uniform, points, quorum, answers)
        return [TokenPair(*split_output(output)) for output in outputs]

    async def close(self) -> None:
        """Be done with evaluating."""
        await self._workers.close()

    async def _ask_quorum(
        self, points: Sequence[bytes]
    ) -> tuple[Quorum, list[tuple[bytes, PartialEvaluation]]]:
        """Try t holders, those last that were away; on an absent one, the next quorum. What each
        answered, with its commitment; not verified yet.

        A cheat ends it.
        """
        key = self._membership.charter.token_key
        absent: dict[int, RemoteError] = {}
        while True:
            present = sorted(
                (item for item in key.holders if item.index not in absent),
                key=lambda item: (item.index in self._away, item.index),
            )
            if len(present) < key.threshold:
                last = list(absent.values())[-1]
                raise RemoteError(
                    last.code, f"fewer than {key.threshold} key holders answer: {last.detail}"
                )
            chosen = present[: key.threshold]
            quorum = make_quorum(
                sorted(item.index for item in chosen), len(key.holders), key.threshold
            )
            packed = pack_points(points)
            body = EvaluateBody(
                epoch=key.epoch,
                quorum=list(quorum.indices),
                count=len(points),
                points_hash=hashlib.sha256(packed).hexdigest(),
            )
            results = await asyncio.gather(
                *(self._ask(item, body, packed) for item in chosen), return_exceptions=True
            )
            gone = _absent(chosen, results)
            if not gone:
                self._away = (self._away | absent.keys()).difference(quorum.indices)
                partials = [item for item in results if isinstance(item, PartialEvaluation)]
                commitments = (bytes.fromhex(item.commitment) for item in chosen)
                return quorum, list(zip(commitments, partials, strict=True))
            absent |= gone

    async def _ask(
        self, holder: TokenHolder, body: EvaluateBody, packed: bytes
    ) -> PartialEvaluation:
        """Ask one key holder, by a statement that no other one takes: it cannot be passed on."""
        envelope = self._membership.sign(body, holder.holder_id).envelope.encode()
        request = len(envelope).to_bytes(4, "big") + envelope + packed
        answer = await self._membership.http.post(f"{holder.url}/v1/evaluations", request)
        try:
            proof = parse_proof(answer[:PROOF_BYTES])
            elements = tuple(unpack_points(answer[PROOF_BYTES:], body.count))
        except RemoteError as error:
            raise RemoteError(
                ErrorCode.BAD_PROOF, f"holder {holder.index}: {error.detail}"
            ) from error
        return PartialEvaluation(holder.index, elements, proof)


def _absent(chosen: Sequence[TokenHolder], results: Sequence[object]) -> dict[int, RemoteError]:
    """The holders that gave no answer, and why; raises for a cheat and for our own faults."""
    gone = {}
    for holder, result in zip(chosen, results, strict=True):
        if isinstance(result, RemoteError) and result.code is not ErrorCode.BAD_PROOF:
            gone[holder.index] = result
        elif isinstance(result, BaseException):
            raise result
    return gone
