"""Many invented people, and a node that publishes them without key holders and without a hub.

For tests and measurements of the node's own work: tokens are hashes, and what is sent counts as
applied at once. All that the node writes and reads is real.
"""

import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from stdnum.gb import nhs

from node.publishing.outgoing import Outgoing
from node.publishing.tokens import TokenClient, TokenPair
from node.records.importer.rows import ImportedRow
from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import DUTY, row

PARTS = ("ba", "dor", "fen", "gil", "han", "jor", "kel", "lim", "mun", "nar", "pem", "ros", "sut",
         "tal", "vin", "wes")  # fmt: skip
STREETS = ("Elm Road", "Rowan Road", "Harbour Lane", "Mill Street", "Chapel Walk", "Orchard Close")


def crowd(size: int) -> Iterator[ImportedRow]:
    """Rows of so many invented people with complete records, each with a duty to share."""
    draw = random.Random(size)  # noqa: S311 - the same people each time
    for number, digits in zip(range(size), _test_numbers(), strict=False):
        record = ClientRecord(
            nhs_number=digits,
            given=_name(draw, 2),
            middle=_name(draw, 2),
            family=_name(draw, 3),
            date_of_birth=f"{draw.randint(1940, 2024)}-{draw.randint(1, 12)}-{draw.randint(2, 28)}",
            sex=draw.choice("FM"),
            address=f"{draw.randint(1, 99)} {draw.choice(STREETS)}",
            postcode=f"LX{draw.randint(1, 99)} {draw.randint(0, 9)}A{draw.choice('ABDEFGHJLN')}",
        )
        yield row(f"p{number}", record, "health_visiting", DUTY, f"Worker {number % 50}")


@contextmanager
def alone() -> Iterator[None]:
    """Let nodes publish meanwhile as if key holders and hub were there and said yes."""
    indexes = itertools.count(1_000_000)

    async def evaluate(self: TokenClient, inputs: Sequence[bytes]) -> list[TokenPair]:
        del self
        outputs = [hashlib.sha384(item).digest() for item in inputs]
        return [TokenPair(output[:16], output[16:]) for output in outputs]

    async def upload(self: Outgoing, kept: Any) -> tuple[int, str | None]:
        del self, kept
        return next(indexes), None

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(TokenClient, "evaluate", evaluate))
        stack.enter_context(mock.patch.object(Outgoing, "_upload", upload))
        yield


def _name(draw: random.Random, parts: int) -> str:
    return "".join(draw.choice(PARTS) for _ in range(parts)).title()


def _test_numbers() -> Iterator[str]:
    """NHS numbers of the range that is kept for tests."""
    for number in range(1_000_000):
        digits = f"999{number:06d}"
        check = -nhs.checksum(f"{digits}0") % 11
        if check < 10:
            yield f"{digits}{check}"
