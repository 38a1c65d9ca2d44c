"""How dear a verified threshold token is, against bare scalar multiplications in the same run.

The floor for one token with 2 of 3 holders: the node blinds and unblinds (2 multiplications), two
holders evaluate (2), two proofs are made and checked (the batched composites cost about 2 each).
Prints ratios; the seconds are of this machine only.
"""

import secrets
import time
from collections.abc import Callable

from keys.dkg import Ceremony, assemble, deal
from keys.group import random_scalar
from keys.groups import default_group
from keys.oprf import blind, finalise
from keys.threshold import combine, make_quorum, partial_evaluate, verify_partial
from protocol.tokens import token_input

TOKENS = 2048


def seconds(work: Callable[[], object]) -> float:
    """The best of three runs."""
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    """Measure each step of a batch."""
    group, rand = default_group(), secrets.token_bytes
    ceremony = Ceremony("ab" * 16, 1, 3, 2)
    dealt = [deal(group, ceremony, index, rand) for index in (1, 2, 3)]
    deals = [item[0] for item in dealt]
    made = [
        assemble(group, ceremony, at, deals, {d.index: shares[at] for d, shares in dealt})
        for at in (1, 2, 3)
    ]
    shares, key = [item[0] for item in made], made[0][1]
    quorum = make_quorum((1, 2), 3, 2)
    inputs = [token_input("ab" * 16, 1, "name_pc.1", f"value {n}") for n in range(TOKENS)]
    blinds = [random_scalar(rand) for _ in inputs]
    points = blind(group, inputs, blinds)
    partials = [partial_evaluate(group, share, quorum, points, rand) for share in shares[:2]]
    evaluated = combine(group, quorum, partials)

    bare = seconds(
        lambda: [group.multiply(factor.value, point) for factor, point in zip(blinds, points)]
    )
    steps = {
        "blind (node)": lambda: blind(group, inputs, blinds),
        "evaluate with proof (each holder)": lambda: partial_evaluate(
            group, shares[0], quorum, points, rand
        ),
        "verify one holder (node)": lambda: verify_partial(
            group, key.commitment(1), quorum, points, partials[0]
        ),
        "combine (node)": lambda: combine(group, quorum, partials),
        "finalise (node)": lambda: finalise(group, inputs, blinds, evaluated),
    }
    print(f"{TOKENS} tokens, 2 of 3 holders, {group.name}")
    print(f"{'bare multiplication':36s} {bare / TOKENS * 1e6:8.1f} us a token   1.00x")
    total = 0.0
    for name, work in steps.items():
        took = seconds(work)
        total += took * (2 if "holder" in name else 1)
        print(f"{name:36s} {took / TOKENS * 1e6:8.1f} us a token {took / bare:6.2f}x")
    print(
        f"{'all of it, one core':36s} {total / TOKENS * 1e6:8.1f} us a token {total / bare:6.2f}x"
    )


if __name__ == "__main__":
    main()
