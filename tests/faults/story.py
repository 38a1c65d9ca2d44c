"""A story that touches every part of a council, act by act; each may be tried again.

Whoever acts looks first what is there, as people do, and then does what is left. What a user was
told is written into a ledger of their own, which no program of ours sees: tests/faults/checks.py
holds the programs to it.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from hub.members.charter_changes import proposed, put_forward, waiting
from hub.members.enrolment import enrolment_of
from hub.store.members import ApplicantState
from node.actions.asking import Ask, Grounds, addressee_of, ask_now
from node.actions.cards import take_back_now
from node.actions.clients import close_work
from node.actions.consents import give_consent
from node.actions.membership import sign_agreement
from node.actions.people import recall_now
from node.actions.records import publish_now, withdraw_now
from node.actions.requests import answer_now
from node.links.references import entries_of
from node.links.team import known_links
from node.membership.joining import Joining
from node.records.agreements import Given
from node.requests.answering import Answer
from node.store.consents import How
from node.store.objections import SaidBy
from node.store.tables import open_engine as open_node_engine
from protocol.governance.fingerprint import fingerprint_words
from protocol.requests.refusals import RefusalCode
from runtime.environment import Environment
from tests.faults.council import Council
from tests.sim.federation import AMEERA, AMIRA, DUTY, SAMIR, Random, SimNode, row

DAY = 86_400
HEALTH, CARE = "Health visiting", "Social care"
LEDGER = "ledger.jsonl"
GROUNDS = Grounds(
    "safeguarding_child", "UK-CA89-S47", {"enquiry_reference": "S47-1", "informed": "informed"}
)


class NotYetError(Exception):
    """What should have come about has not: a person waits, and looks again."""


class Story:
    """What people do in a council, and what they were told."""

    def __init__(self, council: Council) -> None:
        self.council = council

    @property
    def health(self) -> SimNode:
        """Who holds what is asked for."""
        return self.council.nodes[HEALTH]

    @property
    def care(self) -> SimNode:
        """Who asks."""
        return self.council.nodes[CARE]

    def told(self, what: str, **more: Any) -> None:
        """Somebody was told that something is done."""
        with (self.council.folder / LEDGER).open("a") as file:
            file.write(json.dumps({"what": what, **more}) + "\n")

    async def join(self, name: str) -> None:
        """An agency joins: it applies, the council compares words and approves, it accepts."""
        council, settings = self.council, self.council.settings_of(name)
        folder = council.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        env = Environment(council.clock, Random(f"{name}-{council.generation}"))
        engine = open_node_engine(folder)
        try:
            joining = Joining(folder, settings, council.lines["node"], env)  # type: ignore[arg-type]
            membership, words = await joining.apply(engine, council.invitation(name))
            party_id = membership.hub.party_id
            await self._approve(party_id, words)
            await council.hub.jobs.admit()
            await council.checkpoint()
            await membership.follow()
            membership.me()
            if party_id not in membership.directory.accepted:
                await joining.accept_charter(membership)
            await council.checkpoint()
        finally:
            await engine.close()
        if name not in council.nodes:
            await council.start_node(name)
            council.save()
        self.told("joined", party=party_id)

    async def _approve(self, party_id: str, words: str) -> None:
        council = self.council
        applicant = await council.hub_read(lambda t: t.members.applicant(party_id))
        assert applicant is not None, "who was told that the application arrived is known"
        assert fingerprint_words(party_id, enrolment_of(applicant).keys) == words
        if applicant.state is ApplicantState.WAITING:
            approved = ApplicantState.APPROVED
            await council.hub_write(lambda t: t.members.move_applicant(party_id, approved))

    async def import_and_publish(self) -> None:
        """Both take their clients in, and publish them."""
        await self.health.take_in(
            row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"),
            row("h2", SAMIR, "health_visiting", DUTY, "H. Visitor"),
        )
        self.told("imported", agency=HEALTH, clients=["h1", "h2"])
        await self.care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
        self.told("imported", agency=CARE, clients=["c1"])
        for node in (self.health, self.care):
            await publish_now(node.service, lambda _: None)
            self.told("published", agency=node.folder.name)

    async def meet(self) -> None:
        """A round finds that they share a client, and both are shown each other."""
        await self.council.hub.jobs.round()
        await self.council.settle()
        for node, client in ((self.health, "h1"), (self.care, "c1")):
            if not (await node.team(client)).others:
                raise NotYetError("nobody is shown yet")
        self.told("shown")

    async def ask(self, number: int) -> None:
        """Social care asks whom it was shown, unless the request is there already."""
        if len(await self._sent()) < number:
            await self._ask()
        await self.council.settle()
        mine = (await self._sent())[number - 1]
        came = await self._received(mine["request_id"])
        if came is None or came["state"] == "arrived":
            raise NotYetError("the request has not come")
        self.told("asked", request=mine["request_id"])

    async def _ask(self) -> None:
        service = self.care.service
        membership = service.membership

        def references(tables: Any) -> list[str]:
            client = tables.records.client("c1")
            stub = tables.stubs.of_client(membership.hub.hub_id, client.id)
            return [item.name for item in entries_of(known_links(tables, membership, stub))]

        (reference, *_) = await service.read(lambda tables, _: references(tables))
        addressee = await addressee_of(service, "c1", reference)
        await ask_now(service, Ask("c1", addressee, 1, "social_worker", GROUNDS))

    async def answer(self, number: int, refusal: RefusalCode | None = None) -> None:
        """Health visiting answers a request, and what follows from that arrives."""
        request_id = (await self._sent())[number - 1]["request_id"]
        came = await self._received(request_id)
        assert came is not None, "social care was told that it came"
        if came["state"] == "asks_person":
            await answer_now(self.health.service, Answer(request_id, 1, refusal))
        await self.council.settle()
        wanted = "refused" if refusal else "opened"
        for state in ((await self.care.sent(request_id)), (await self.health.received(request_id))):
            if state["state"] != wanted:
                raise NotYetError(f"it is {state['state']}, not {wanted}")
        self.told(wanted, request=request_id)

    async def take_back(self, number: int) -> None:
        """Health visiting has the card deleted that it let go."""
        request_id = (await self._sent())[number - 1]["request_id"]
        came = await self._received(request_id)
        assert came is not None
        if came["state"] == "opened":
            await take_back_now(self.health.service, request_id, 1)
        await self.council.settle()
        if (await self.health.received(request_id))["gone_at"] is None:
            raise NotYetError("nobody said that it is gone")
        if (await self.care.sent(request_id))["state"] != "recalled":
            raise NotYetError("it is not gone")
        self.told("recalled", request=request_id)

    async def consent(self) -> None:
        """A client agrees, in writing, which is published."""
        held = await self.health.read(lambda t: t.tx.rows("SELECT * FROM consent"))
        if not held:
            said = Given("h2", SaidBy.CLIENT, How.IN_WRITING, "2026-09-01", "Form 4", "2028-09-01")
            await give_consent(self.health.service, said, 1)
        await publish_now(self.health.service, lambda _: None)
        self.told("agreed", client="h2")

    async def amend(self) -> None:
        """The council changes the charter; both sign it."""
        council = self.council
        change = {"quotas": {"requests_per_day": 100}}
        charter = await council.charter()
        if charter.version == 1:
            new = proposed(charter, change)
            if await council.hub_read(waiting) is None:
                await council.hub_write(lambda tables: put_forward(tables, new))
            await council.hub.jobs.amend()
        await council.checkpoint()
        for node in (self.health, self.care):
            await node.membership.sync()
            if node.membership.charter.version != 2:
                raise NotYetError("the new charter has not come")
            if node.membership.directory.accepted.get(node.party_id) != 2:
                await sign_agreement(node.service, 1)
            await node.service.charters.step()
        await council.settle()
        self.told("signed", version=2)

    async def days_go_by(self) -> None:
        """A day's statements, reports and reminders; nodes look after themselves."""
        council = self.council
        await council.hub.jobs.daily()
        await council.hub.jobs.expire()
        await council.hub.jobs.overdue()
        await council.hub.jobs.watch()
        for holder in council.network.holders.values():
            await holder.report(council.lines["holder"])  # type: ignore[arg-type]
        await council.settle()
        for node in (self.health, self.care):
            await node.service.monitor.look()
            await node.service.renewal.step()
            await node.service.figures.step()
            await node.service.reminders.step()
            await node.service.handing_on.step()
            await node.service.forgetting.run(dry_run=False)
        await council.settle()

    async def wrong_person(self, number: int) -> None:
        """Social care says that a card is of the wrong person: the link ends."""
        request_id = (await self._sent())[number - 1]["request_id"]
        if (await self.care.sent(request_id))["state"] == "opened":
            await recall_now(self.care.service, request_id, 1)
        await self.council.settle()
        await self.council.hub.jobs.round()
        await self.council.settle()
        for node, client in ((self.health, "h1"), (self.care, "c1")):
            if (await node.team(client)).others:
                raise NotYetError("they are still shown")
        self.told("recalled", request=request_id)
        self.told("parted")

    async def withdraw(self) -> None:
        """A client of health visiting takes the permission back: nothing of them is published."""
        if not await self._all(self.health, "h1", "withdrawn_at"):
            await withdraw_now(self.health.service, "h1", 1)
        await publish_now(self.health.service, lambda _: None)
        await self.council.hub.jobs.round()
        await self.council.settle()
        self.told("withdrawn", agency=HEALTH, client="h1")

    async def close(self) -> None:
        """Social care's work with its client ends."""
        if not await self._all(self.care, "c1", "ended_at"):
            await close_work(self.care.service, "c1", None, 1)
        await publish_now(self.care.service, lambda _: None)
        await self.council.hub.jobs.round()
        await self.council.settle()
        self.told("retired", agency=CARE, client="c1")

    async def _all(self, node: SimNode, client: str, column: str) -> bool:
        """Whether all work with a client has a time there: withdrawn, or closed."""
        sql = (
            f"SELECT i.{column} AS at FROM involvement i JOIN client c ON c.id = i.client "  # noqa: S608
            "WHERE c.local_id = ?"
        )
        rows = await node.read(lambda tables: tables.tx.rows(sql, client))
        return all(row["at"] is not None for row in rows)

    async def erase(self) -> None:
        """Years later: what is over is erased, at the hub and at the nodes."""
        council = self.council
        await council.hub.jobs.erase()
        for node in (self.health, self.care):
            await node.service.forgetting.run(dry_run=False)
        await council.settle()

    async def _sent(self) -> list[Any]:
        sql = "SELECT * FROM sent_request ORDER BY asked_at, rowid"
        return list(await self.care.read(lambda tables: tables.tx.rows(sql)))

    async def _received(self, request_id: str) -> Any:
        sql = "SELECT * FROM received_request WHERE request_id = ?"
        return await self.health.read(lambda tables: tables.tx.one(sql, request_id))


Act = Callable[[Story], Awaitable[None]]

ACTS: dict[str, Act] = {
    "health visiting joins": lambda story: story.join(HEALTH),
    "social care joins": lambda story: story.join(CARE),
    "import and publish": Story.import_and_publish,
    "meet": Story.meet,
    "ask": lambda story: story.ask(1),
    "allow": lambda story: story.answer(1),
    "take the card back": lambda story: story.take_back(1),
    "ask again": lambda story: story.ask(2),
    "refuse": lambda story: story.answer(2, RefusalCode.NOT_PROPORTIONATE),
    "agree": Story.consent,
    "change the charter": Story.amend,
    "a day goes by": Story.days_go_by,
    "ask a third time": lambda story: story.ask(3),
    "allow again": lambda story: story.answer(3),
    "wrong person": lambda story: story.wrong_person(3),
    "withdraw": Story.withdraw,
    "close": Story.close,
}
LATER = {"a day goes by": DAY}
"""Before these acts so much time passes."""
