"""What the hub asks of people, repeats, takes back and refuses: what they said stays said."""

from collections.abc import Callable
from typing import Any

import pytest

from node.links.review import Opinion
from node.store.links import Review
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.review import (
    QuestionsHeldBody,
    ReviewBody,
    ReviewItem,
    VerdictBody,
    WrongPersonBody,
)
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.test_recall import released
from tests.sim.test_refusals_hub import NOTHING, last
from tests.sim.test_refusals_node import nothing_set_aside, signed_by_hub
from tests.sim.test_review import queue, say, told
from tests.sim.test_unwitnessed_card import alarms

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


async def asks(federation: SimFederation, node: SimNode, question: str | None) -> None:
    """The hub asks a node about its only link, or says that nothing waits any more."""
    (link,) = await node.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    item = ReviewItem(link_id=link["link_id"], stub_id=link["stub_id"], question=question)
    body = ReviewBody(round=NOTHING, links=[item])
    await delivered(federation, node, await signed_by_hub(federation, body, node.party_id))


async def review(node: SimNode) -> Review:
    """What is asked and was said of its only link."""
    (link,) = await node.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    found = await node.read(lambda tables: tables.reviews.get(link["hub_id"], link["link_id"]))
    assert found is not None
    return found


def saying(node: SimNode, link_id: str, said: Any) -> Callable[[NodeTables], None]:
    """A person's answer, which is not sent yet."""
    opinion = Opinion(link_id, said, 1)
    return lambda tables: node.service.dispatcher.reviewing.say(tables, opinion)


def refused(_: bytes) -> bytes:
    raise RemoteError(E.NOT_ALLOWED, "not like this")


class TestAQuestion:
    async def test_that_was_answered_is_not_put_again(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        _, care = unsure
        await say(care, "same")
        body = (await last(federation, "verdict")).expect(VerdictBody).body
        await asks(federation, care, body.question)
        assert await queue(care) == []
        assert (await review(care)).answer == "same"

    async def test_that_waits_no_more_takes_back_no_answer(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """Once it is logged, and while it is on its way: it hides the link all the same."""
        _, care = unsure
        (waiting,) = await queue(care)
        await care.write(saying(care, waiting.link_id, "not_same"))
        await asks(federation, care, None)
        await care.service.advance()
        assert [state for state, _ in await told(care)] == ["ended"]
        await asks(federation, care, None)
        assert (await review(care)).answer == "not_same"

    async def test_that_was_never_put_is_taken_back(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """There is nothing to take back, and nothing of ours is out of order."""
        _, care = agencies
        await asks(federation, care, None)
        assert await care.read(lambda tables: tables.count("review")) == 0
        await nothing_set_aside(care)

    async def test_whose_answer_the_hub_refuses_waits_again(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        _, care = unsure
        federation.network.tamper["/v1/statements"] = refused
        await say(care, "not_same")
        (waiting,) = await queue(care)
        assert waiting.problem == "not_allowed"
        assert (await review(care)).answer is None

    async def test_that_nobody_put_is_not_put_by_a_refusal(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """Somebody doubts a match by themselves, and the hub does not take it."""
        _, care = agencies
        (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        federation.network.tamper["/v1/statements"] = refused
        await say(care, "not_same", link["link_id"])
        assert await queue(care) == []
        assert (await review(care)).answer is None
        assert [state for state, _ in await told(care)] == ["match"]

    async def test_on_which_a_recall_has_had_the_last_word(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """ "Same" was on its way when the other side said that it is the wrong person."""
        health, care = agencies
        request_id = await released(federation, agencies)
        (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        await care.write(saying(care, link["link_id"], "same"))
        release = await last(federation, "release")
        body = WrongPersonBody(request_id=request_id, release=release.id, decided_by="cd" * 16)
        await delivered(federation, care, health.membership.sign(body, care.party_id))
        federation.network.tamper["/v1/statements"] = refused
        await care.service.advance()
        assert (await review(care)).answer == "not_same"


async def test_questions_that_were_held_are_put_after_all(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The person who was told is told no longer."""
    health, care = agencies
    said = []
    for held in (3, 0):
        body = QuestionsHeldBody(agency=health.party_id, held=held)
        await delivered(federation, care, await signed_by_hub(federation, body, care.party_id))
        said.append(await alarms(care))
    assert said == [["questions_held"], []]


@pytest.mark.parametrize("said", ["same", "not_same"])
async def test_only_a_denied_link_is_hidden(
    federation: SimFederation, agencies: Agencies, said: Any
) -> None:
    _, care = agencies
    (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    await say(care, said, link["link_id"])
    assert [state for state, _ in await told(care)] == ["match" if said == "same" else "ended"]
