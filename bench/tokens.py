"""How dear a verified threshold token is, against bare scalar multiplications in the same run.

With 2 of 3 holders the node multiplies six times a token: it blinds and unblinds, and sums points
and answers of each of two proofs under their weights. A holder multiplies twice: it evaluates, and
sums the points. `tokens_node` is all that the node does for a token, hashing, checking and adding
included, against a loop over libsodium's multiplication through ctypes and nothing else.
`tokens_two_threads` is two batches by two of the node's workers against one after the other.
"""

import ctypes
import functools
import os
import secrets
import statistics
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from bench.results import Figure, processor, record, seconds
from keys.dkg import Ceremony, assemble, deal
from keys.group import SecretScalar, random_scalar
from keys.groups import default_group
from keys.oprf import blind
from keys.sodium import load_sodium
from keys.threshold import KeyShare, PartialEvaluation, Quorum, make_quorum, partial_evaluate
from node.publishing.workers import blinded, finished
from protocol.tokens import token_input

BATCH = 2048
QUORUM = (1, 2)
NODE_MULTIPLICATIONS = 6
TURNS = 9
ROUNDS = 4  # batches for each worker, so that the way to it is as rare as it is in use


@dataclass(frozen=True)
class Council:
    """A batch of inputs and what two key holders answer."""

    quorum: Quorum
    shares: list[KeyShare]
    inputs: list[bytes]
    blinds: list[SecretScalar]
    points: list[bytes]
    answers: list[tuple[bytes, PartialEvaluation]]

    def node(self) -> None:
        """The node's part of a batch, all steps."""
        blinded(self.inputs, self.blinds)
        finished(self.inputs, self.blinds, self.points, self.quorum, self.answers)

    def holder(self, number: int = 0) -> None:
        """One key holder's part of a batch."""
        group, share = default_group(), self.shares[number]
        partial_evaluate(group, share, self.quorum, self.points, secrets.token_bytes)


@functools.cache
def _council() -> Council:
    group, rand = default_group(), secrets.token_bytes
    ceremony = Ceremony("ab" * 16, 1, 3, 2)
    dealt = [deal(group, ceremony, index, rand) for index in (1, 2, 3)]
    deals = [item[0] for item in dealt]
    made = [
        assemble(group, ceremony, at, deals, {d.index: shares[at] for d, shares in dealt})
        for at in QUORUM
    ]
    shares, key, quorum = [item[0] for item in made], made[0][1], make_quorum(QUORUM, 3, 2)
    inputs = [token_input("ab" * 16, 1, "name_pc.1", f"value {n}") for n in range(BATCH)]
    blinds = [random_scalar(rand) for _ in inputs]
    points = blind(group, inputs, blinds)
    answers = [
        (key.commitment(share.index), partial_evaluate(group, share, quorum, points, rand))
        for share in shares
    ]
    return Council(quorum, shares, inputs, blinds, points, answers)


def council(_: int = 0) -> None:
    """Have a batch ready in this process."""
    _council()


def whole_batch(_: int = 0) -> None:
    """All that a node and two key holders compute for one batch."""
    _council().node()
    for number in range(len(QUORUM)):
        _council().holder(number)


def node_batch(_: int = 0) -> None:
    """The node's part of one batch."""
    _council().node()


def bare(times: int) -> None:
    """So many multiplications for each element of a batch, by libsodium through ctypes alone."""
    load_sodium()
    library = ctypes.CDLL("libsodium.so.23")
    multiply, out = library.crypto_scalarmult_ristretto255, ctypes.create_string_buffer(32)
    multiply.argtypes = [ctypes.c_char_p] * 3
    pairs = [
        (factor.to_bytes(), point)
        for factor, point in zip(_council().blinds, _council().points, strict=True)
    ]
    for _ in range(times):
        for factor, point in pairs:
            multiply(out, factor, point)


def spread(pool: Executor, batches: int) -> None:
    """The node's part of so many batches by a pool."""
    list(pool.map(node_batch, range(batches)))


def main() -> None:
    """Measure."""
    us = 1e6 / BATCH
    node, holder = processor(_council().node), processor(_council().holder)
    alone = processor(lambda: bare(NODE_MULTIPLICATIONS))
    print(f"{BATCH} tokens, 2 of 3 holders, {default_group().name}")
    print(f"one multiplication {alone * us / NODE_MULTIPLICATIONS:8.1f} us")
    print(f"node, all steps    {node * us:8.1f} us a token")
    print(f"each holder        {holder * us:8.1f} us a token")
    record(Figure("tokens_node", node * us, alone * us, "us of processor a token", 1.15, "max"))
    if (os.cpu_count() or 1) > 1:
        record(_two())


def _two() -> Figure:
    """Tokens a second of two workers against one, and for comparison of two threads."""
    rates = {}
    made: dict[str, Callable[[int], Executor]] = {
        "processes": lambda n: ProcessPoolExecutor(n, get_context("spawn")),
        "threads": ThreadPoolExecutor,
    }
    for kind, pool in made.items():
        with pool(1) as alone, pool(2) as both:
            pools = {1: alone, 2: both}
            for count, running in pools.items():
                list(running.map(council, range(4 * count)))
            taken: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(TURNS):  # in turns: a virtual processor is quicker now and slower then
                for count, running in pools.items():
                    work = partial(spread, running, ROUNDS * count)
                    taken[count].append(seconds(work))
        for count, each in taken.items():
            rates[kind, count] = ROUNDS * count * BATCH / statistics.median(each)
    for (kind, count), rate in rates.items():
        print(f"{count} {kind:10s} {rate:8.0f} tokens a second")
    ours, one = rates["processes", 2], rates["processes", 1]
    return Figure("tokens_two_threads", ours, one, "tokens a second", 1.8, "min")


if __name__ == "__main__":
    main()
