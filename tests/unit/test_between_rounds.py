"""A link that ended between rounds is news to the next one: others' support may hang on it."""

from dataclasses import replace

import pytest

from hub.matching.classify import ClassifiedPair
from hub.store.links import Link, LinkEnd, LinkState, Origin
from hub.store.stubs import Stub
from protocol.matchkeys.score import Outcome, PairScore
from protocol.requests.review import ENDED

ONE = Stub("1" * 32, "a" * 32, 2, True, (), "5" * 64)
OTHER = replace(ONE, stub_id="2" * 32, agency="b" * 32)


@pytest.mark.parametrize("between", [False, True])
def test_it_counts_as_moved_though_it_is_as_the_ends_pass_left_it(between: bool) -> None:
    ends = tuple(LinkEnd(stub.agency, stub.stub_id, None, None) for stub in (ONE, OTHER))
    left = Link(
        "3" * 32, (ends[0], ends[1]), LinkState.ENDED, Origin.SCORE, "4" * 64,
        between_rounds=between,
    )  # fmt: skip
    pair = ClassifiedPair(
        stubs=(ONE, OTHER), tokens=({}, {}), score=PairScore(0, (), (), Outcome.NONE),
        alive=False, question="", answers=(None, None), old=left, origin=Origin.SCORE,
        standing=ENDED,
    )  # fmt: skip
    assert pair.moved is between
