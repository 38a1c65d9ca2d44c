"""No server error, no lax type and nothing half done over the local interface, and a description
that tells the truth: of a node with a hub behind it. `make soak` does more of the same.
"""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import pytest
from aiohttp import web
from pydantic import Field
from schemathesis.core.failures import FailureGroup

from node.web.api import ALL_CALLS, LocalApi
from node.web.calls import Act, Answer, Call, Hubs
from node.web.openapi import describe
from protocol.errors import ErrorCode, LocalError
from protocol.fields import WireModel
from tests.sim.api_fuzz import TOKEN, Fuzz, lived_in, served
from tests.sim.federation import SimFederation


def test_whatever_is_sent_it_is_answered_as_described(
    two_linked: SimFederation, tmp_path: Path
) -> None:
    with lived_in(tmp_path, two_linked) as fuzz:
        fuzz.everything(every=12, examples=3)
    reached = {path for path, status in fuzz.statuses if status == 200}
    assert {path for path, _ in fuzz.statuses} == ALL_CALLS.keys()
    assert len(reached) > 40, "else most of it is only refused"


# Whether the fuzzing can fail: interfaces with one fault each.


class FlagIn(WireModel):
    """A flag."""

    flag: bool


class LaxIn(WireModel):
    """A flag that is true in words, too."""

    flag: Annotated[bool, Field(strict=False)]


class WordsIn(WireModel):
    """A text."""

    words: Annotated[str, Field(max_length=20)]


class FlagOut(Answer):
    """A flag."""

    flag: bool


async def sound(_hubs: Hubs, body: FlagIn) -> FlagOut:
    """Say it again."""
    return FlagOut(flag=body.flag)


async def lax(_hubs: Hubs, body: LaxIn) -> FlagOut:
    """Take words for a flag."""
    return FlagOut(flag=body.flag)


async def falls(_hubs: Hubs, body: WordsIn) -> FlagOut:
    """Meet a fault of its own."""
    return FlagOut(flag=bool(body.words.encode("ascii")))


async def half(_hubs: Hubs, body: FlagIn) -> FlagOut:
    """Write, and refuse."""
    with sqlite3.connect("half.sqlite") as file:
        file.execute("INSERT INTO t VALUES (1)")
    raise LocalError(ErrorCode.CONFLICT, "this was written all the same")


def fuzzed(act: Act, folder: Path) -> None:
    """Fuzz an interface of one call."""
    file, call = folder / "half.sqlite", Call.of("/v1/planted", act)
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE t (a)")

    @asynccontextmanager
    async def make() -> AsyncIterator[web.Application]:
        yield LocalApi([], TOKEN, "127.0.0.1", {call.path: act}).application()

    with served(make) as url:
        Fuzz(url, json.loads(json.dumps(describe([call]))), {}, file).everything(
            every=1, examples=10
        )


def test_an_interface_without_a_fault_passes(tmp_path: Path) -> None:
    fuzzed(sound, tmp_path)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lax, "flag"),
        (falls, "Server error"),
        (half, "something stays"),
    ],
)
def test_a_planted_fault_is_found(
    act: Act, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((FailureGroup, AssertionError)) as found:
        fuzzed(act, tmp_path)
    assert says in told(found.value)


def told(error: BaseException) -> str:
    """What a failure says, with those in it."""
    return " ".join([str(error), *(told(one) for one in getattr(error, "exceptions", ()))])
