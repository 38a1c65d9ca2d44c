"""What the hub's stores promise, on every engine, which runs every body once for nothing first."""

import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.store.checks import CHECK_MOVES, CHECK_STEPS, CheckState, IdentityCheck, NewCheck
from hub.store.daily import LastDay, Stated
from hub.store.log import Logged
from hub.store.mailboxes import Post
from hub.store.members import (
    APPLICANT_MOVES,
    MEMBER_MOVES,
    ROTATION_MOVES,
    ApplicantState,
    MemberStatus,
    RotationState,
)
from hub.store.requests import (
    REQUEST_MOVES,
    REQUEST_STEPS,
    BrokeredRequest,
    NewRequest,
    RequestState,
)
from hub.store.tables import SCHEMA, HubEngine, HubTables, open_engine
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.kinds import Conversation, kinds_that
from storage.engine import NotUniqueError
from tests.statements import counted_statements

ASKED = NewRequest(
    "r" * 32, "s" * 64, "a" * 32, "b" * 32, "l" * 32, "i" * 32, 900, 100, "d", "allow"
)
CHECK = NewCheck("c" * 32, "a" * 32, "b" * 32, "l" * 32, 900, 100, "q", "d", "allow")


@pytest.fixture
def engine(hub: HubEngine) -> HubEngine:
    return hub


# States


@pytest.mark.parametrize(
    ("states", "moves"),
    [
        (ApplicantState, APPLICANT_MOVES),
        (RotationState, ROTATION_MOVES),
        (MemberStatus, MEMBER_MOVES),
        (RequestState, REQUEST_MOVES),
        (CheckState, CHECK_MOVES),
    ],
)
def test_every_state_is_in_its_table_of_moves(states: Any, moves: Any) -> None:
    named = {*moves} | {after for following in moves.values() for after in following}
    ends_at_once = {RequestState.REFUSED, CheckState.REFUSED} & set(states)
    assert named | ends_at_once == set(states)


@pytest.mark.parametrize(
    ("steps", "conversation"),
    [(REQUEST_STEPS, Conversation.REQUEST), (CHECK_STEPS, Conversation.IDENTITY_CHECK)],
)
def test_every_kind_that_is_a_step_of_a_conversation_has_its_place_there(
    steps: dict[str, str], conversation: Conversation
) -> None:
    assert steps.keys() == kinds_that(lambda kind: kind.conversation is conversation)
    model = BrokeredRequest if conversation is Conversation.REQUEST else IdentityCheck
    assert set(steps.values()) <= {field.name for field in dataclasses.fields(model)}


def test_every_kind_with_a_conversation_is_one_of_these() -> None:
    assert {*REQUEST_STEPS, *CHECK_STEPS} == kinds_that(lambda kind: kind.conversation)


async def test_an_applicant_moves_as_the_table_says(engine: HubEngine) -> None:
    def move(state: ApplicantState) -> Callable[[HubTables], None]:
        return lambda tables: tables.members.move_applicant("p", state)

    async def state() -> ApplicantState:
        found = await engine.read(lambda tables: tables.members.applicant("p"))
        assert found is not None
        return found.state

    with pytest.raises(LocalError, match="nobody has applied"):
        await engine.write(move(ApplicantState.APPROVED))
    await engine.write(lambda tables: tables.members.apply("p", b"1", 5))
    await engine.write(lambda tables: tables.members.apply("p", b"2", 6))
    with pytest.raises(LocalError, match="what is waiting cannot become member"):
        await engine.write(move(ApplicantState.MEMBER))
    await engine.write(move(ApplicantState.REJECTED))
    await engine.write(lambda tables: tables.members.apply("p", b"3", 7))
    await engine.write(move(ApplicantState.APPROVED))
    with pytest.raises(LocalError, match="what is approved cannot become waiting"):
        await engine.write(lambda tables: tables.members.apply("p", b"4", 8))
    await engine.write(move(ApplicantState.MEMBER))
    assert await state() is ApplicantState.MEMBER
    for after in ApplicantState:
        with pytest.raises(LocalError):
            await engine.write(move(after))


async def test_new_keys_are_approved_once(engine: HubEngine) -> None:
    await engine.write(lambda tables: tables.members.rotate("p", b"1"))
    await engine.write(lambda tables: tables.members.approve_rotation("p"))
    with pytest.raises(LocalError):
        await engine.write(lambda tables: tables.members.approve_rotation("p"))
    await engine.write(lambda tables: tables.members.rotate("p", b"2"))
    found = await engine.read(lambda tables: tables.members.rotation("p"))
    assert found is not None
    assert (found.envelope, found.state) == (b"2", RotationState.WAITING)


async def test_of_two_new_names_for_a_member_the_later_one_waits(engine: HubEngine) -> None:
    for name in ("First", "Second"):
        await engine.write(lambda tables, name=name: tables.members.rename("p", name))  # type: ignore[misc]
    await engine.write(lambda tables: tables.members.rename("q", "Other"))
    assert await engine.read(lambda tables: tables.members.names()) == {"p": "Second", "q": "Other"}
    await engine.write(lambda tables: tables.members.drop_name("p"))
    assert await engine.read(lambda tables: tables.members.names()) == {"q": "Other"}


async def test_a_new_size_waits_until_it_is_dropped_and_the_last_one_holds(
    engine: HubEngine,
) -> None:
    def order(tables: HubTables) -> None:
        for party_id, clients in (("p", 300), ("q", 7), ("p", 4000)):
            tables.members.resize(party_id, clients)

    await engine.write(order)
    assert await engine.read(lambda tables: tables.members.sizes()) == {"p": 4000, "q": 7}
    await engine.write(lambda tables: tables.members.drop_size("p"))
    assert await engine.read(lambda tables: tables.members.sizes()) == {"q": 7}


async def test_an_invitation_works_once_and_in_time(engine: HubEngine) -> None:
    await engine.write(lambda tables: tables.members.invite("h", 100))
    for party, now in (("p", 100), ("q", 99), ("r", 99)):
        try:
            await engine.write(
                lambda tables, party=party, now=now: tables.members.use_invitation("h", party, now)  # type: ignore[misc]
            )
        except RemoteError as error:
            assert error.code is ErrorCode.INVITATION  # noqa: PT017
            assert party != "q"
        else:
            assert party == "q"


class TestRequests:
    """The steps of a request, in their order and no other."""

    async def step(self, engine: HubEngine, name: str, *values: Any) -> BrokeredRequest:
        def work(tables: HubTables) -> BrokeredRequest:
            request = tables.requests.get(ASKED.request_id)
            assert request is not None
            getattr(tables.requests, name)(request, *values)
            after = tables.requests.get(ASKED.request_id)
            assert after is not None
            return after

        return await engine.write(work)

    async def test_from_the_question_to_the_recall(self, engine: HubEngine) -> None:
        await engine.write(lambda tables: tables.requests.add(ASKED))
        seen = [
            (await self.step(engine, name, *values)).state
            for name, *values in (
                ("decide", "refer", "1"),
                ("decide", "allow", "2"),
                ("release", "3", 1000),
                ("acknowledge", "4"),
                ("recall", "5"),
                ("say_wrong_person", "6"),
                ("recall_is_done", "7"),
            )
        ]
        assert seen == [
            *("referred", "allowed", "released", "released"),
            *("recalling", "wrong_person", "recalled"),
        ]
        (found,) = await engine.read(lambda tables: tables.requests.conversations(101))
        assert found.steps == (ASKED.statement_id, "d", "2", "3", "4", "6", "5", "7")
        assert found.expires == 900
        assert await engine.read(lambda tables: tables.requests.conversations(100)) == []

    async def test_another_card_begins_anew_and_what_was_said_of_the_first_is_kept_with_it(
        self, engine: HubEngine
    ) -> None:
        await engine.write(lambda tables: tables.requests.add(ASKED))
        steps: list[Any] = [
            ("decide", "allow", "2"),
            ("release", "3", 1000),
            ("acknowledge", "4"),
            ("recall", "5"),
            ("recall_is_done", "6"),
            ("release_again", "7", 900, 500),
        ]
        for name, *values in steps:
            request = await self.step(engine, name, *values)
        assert (request.state, request.release, request.keep_until) == ("released", "7", 900)
        assert (request.receipt, request.recall, request.recall_done) == (None, None, None)
        assert request.renewed_at == 500
        was = [
            await engine.read(lambda tables, one=one: tables.requests.was_released(request, one))  # type: ignore[misc]
            for one in ("3", "7", "5")
        ]
        assert was == [True, True, False]
        (found,) = await engine.read(lambda tables: tables.requests.conversations(101))
        assert sorted(found.steps) == sorted([ASKED.statement_id, "d", *"234567"])
        await self.step(engine, "recall", "8")
        assert (await self.step(engine, "recall_is_done", "9")).state == "recalled"

    async def test_what_is_due_is_found_until_it_is_said_or_answered_in_time(
        self, engine: HubEngine
    ) -> None:
        def ask(tables: HubTables) -> None:
            for number, due in enumerate((70, 50, None, 60, 50)):
                name, statement = f"{number:032x}", f"{number:064x}"
                asked = dataclasses.replace(ASKED, request_id=name, statement_id=statement, due=due)
                tables.requests.add(asked)

        async def due(now: int, limit: int = 9) -> list[int]:
            found = await engine.read(lambda tables: tables.requests.due(now, limit))
            return [int(item.request_id, 16) for item in found]

        def settle(tables: HubTables) -> None:
            first, second, *_ = tables.requests.due(60, 9)
            tables.requests.stop_clock(first)
            tables.requests.say_overdue(second, "9" * 64)

        await engine.write(ask)
        assert await due(49) == []
        assert await due(60) == [1, 4, 3], "the longest overdue first"
        assert await due(60, 2) == [1, 4]
        await engine.write(settle)
        assert await due(99) == [3, 0]
        said = await engine.read(lambda tables: tables.requests.get(f"{4:032x}"))
        assert said is not None
        assert (said.overdue, said.due) == ("9" * 64, None)
        (steps,) = [
            item.steps
            for item in await engine.read(lambda tables: tables.requests.conversations(101))
            if "9" * 64 in item.steps
        ]
        assert steps == (f"{4:064x}", "d", "9" * 64), "it is erased with the request"

    @pytest.mark.parametrize(
        ("before", "step"),
        [
            ([], ("release", "9", 1000)),
            ([], ("say_wrong_person", "9")),
            ([("decide", "refuse", "1")], ("decide", "allow", "9")),
            ([("decide", "allow", "1")], ("decide", "refuse", "9")),
            ([("decide", "allow", "1")], ("recall", "9")),
            ([("decide", "allow", "1"), ("release", "2", 1000)], ("release", "9", 1000)),
            ([("decide", "allow", "1"), ("release", "2", 1000)], ("release_again", "9", 1, 1)),
            ([("decide", "allow", "1"), ("release", "2", 1000)], ("recall_is_done", "9")),
            ([("decide", "allow", "1"), ("release", "2", 1000), ("recall", "3")], ("recall", "9")),
        ],
    )
    async def test_a_step_that_does_not_follow_changes_nothing(
        self, engine: HubEngine, before: list[Any], step: Any
    ) -> None:
        await engine.write(lambda tables: tables.requests.add(ASKED))
        for name, *values in before:
            await self.step(engine, name, *values)
        held = await engine.read(lambda tables: tables.requests.get(ASKED.request_id))
        with pytest.raises(LocalError) as caught:
            await self.step(engine, *step)
        assert caught.value.code is ErrorCode.CONFLICT
        assert await engine.read(lambda tables: tables.requests.get(ASKED.request_id)) == held

    async def test_what_the_hub_refused_goes_no_further(self, engine: HubEngine) -> None:
        refused = dataclasses.replace(ASKED, hub_outcome="refuse")
        await engine.write(lambda tables: tables.requests.add(refused))
        with pytest.raises(LocalError):
            await self.step(engine, "decide", "allow", "1")
        with pytest.raises(NotUniqueError):
            await engine.write(lambda tables: tables.requests.add(refused))


async def test_an_identity_check_is_sent_and_answered_once(engine: HubEngine) -> None:
    def step(name: str, *values: str) -> Callable[[HubTables], CheckState]:
        def work(tables: HubTables) -> CheckState:
            check = tables.checks.get(CHECK.check_id)
            assert check is not None
            getattr(tables.checks, name)(check, *values)
            after = tables.checks.get(CHECK.check_id)
            assert after is not None
            return after.state

        return work

    await engine.write(lambda tables: tables.checks.add(CHECK))
    with pytest.raises(LocalError):
        await engine.write(step("answer", "same", "9"))
    assert await engine.write(step("send", "1")) is CheckState.SENT
    with pytest.raises(LocalError):
        await engine.write(step("send", "9"))
    assert await engine.write(step("answer", "same", "2")) is CheckState.ANSWERED
    with pytest.raises(LocalError):
        await engine.write(step("answer", "same", "9"))
    (found,) = await engine.read(lambda tables: tables.checks.conversations(101))
    assert found.steps == ("q", "d", "1", "2"), "the answer dies with the rest"


# Mailboxes


def mail(agency: str, number: int) -> list[Post]:
    logged = Logged(7, "s", b"salt", 0)
    return [Post(agency, b"%d" % n, logged if n % 2 else None, b"sealed") for n in range(number)]


async def test_mail_stays_until_it_was_delivered_and_acknowledged(engine: HubEngine) -> None:
    await engine.write(lambda tables: tables.mailboxes.post([*mail("a", 3), *mail("b", 1)]))

    def deliver(tables: HubTables) -> list[tuple[int, bytes, int | None]]:
        found = tables.mailboxes.deliver("a", 0, 2)
        return [(item.seq, item.envelope, item.index) for item in found]

    first = await engine.write(deliver)
    assert [envelope for _, envelope, _ in first] == [b"0", b"1"]
    assert [index for _, _, index in first] == [None, 7]
    assert await engine.write(deliver) == first, "at least once"
    last = first[-1][0] + 1
    await engine.write(lambda tables: tables.mailboxes.acknowledge("a", last))
    left = await engine.write(deliver)
    assert [envelope for _, envelope, _ in left] == [b"2"], "what was not delivered is not lost"
    assert await engine.read(lambda tables: tables.mailboxes.has_mail("b", 0))
    await engine.write(lambda tables: tables.mailboxes.erase([7]))
    await engine.write(lambda tables: tables.mailboxes.withhold("a", 8))
    assert [envelope for _, envelope, _ in await engine.write(deliver)] == [b"2"]


async def test_mail_is_numbered_for_each_agency_whatever_others_get(engine: HubEngine) -> None:
    async def numbers(others: int) -> list[int]:
        posts = [*mail("a", 1), *mail("b", others), *mail("a", 1)]
        await engine.write(lambda tables: tables.mailboxes.post(posts))
        found = await engine.write(lambda tables: tables.mailboxes.deliver("a", 0, 9))
        await engine.write(lambda tables: tables.mailboxes.acknowledge("a", found[-1].seq))
        return [item.seq for item in found]

    assert await numbers(0) == [1, 2]
    assert await numbers(5) == [3, 4]


@pytest.mark.parametrize("number", [100, 1000])
async def test_posting_and_delivering_cost_the_same_for_however_many(
    engine: HubEngine, number: int
) -> None:
    with counted_statements() as said:
        await engine.write(lambda tables: tables.mailboxes.post(mail("a", number)))
        found = await engine.write(lambda tables: tables.mailboxes.deliver("a", 0, number))
        await engine.write(lambda tables: tables.mailboxes.acknowledge("a", found[-1].seq))
    assert len(found) == number
    assert len(said) == 6, "however many, two of them for the numbers"


async def test_how_far_an_agency_has_read_is_kept_until_it_may_go_back(engine: HubEngine) -> None:
    async def acknowledge(cursor: int, agency: str = "a") -> int:
        return await engine.write(lambda tables: tables.mailboxes.acknowledge(agency, cursor))

    assert await acknowledge(0) == 0
    await engine.write(lambda tables: tables.mailboxes.post(mail("a", 7)))
    await engine.write(lambda tables: tables.mailboxes.deliver("a", 0, 5))
    said = [await acknowledge(cursor) for cursor in (4, 2, 5, 10_000, 0)]
    assert said == [4, 4, 5, 5, 5], "nothing that was not delivered"
    assert await acknowledge(0, "b") == 0
    await engine.write(lambda tables: tables.mailboxes.forget_acknowledged("a"))
    assert await acknowledge(3) == 3
    await engine.write(lambda tables: tables.mailboxes.begin("ab" * 16))
    assert await acknowledge(1) == 1, "numbers begin again with a generation"
    assert await engine.read(lambda tables: tables.mailboxes.generation()) == "ab" * 16


# Daily statements, checkpoints, charters


async def test_a_daily_statement_is_answered_once_and_by_its_own_agency(engine: HubEngine) -> None:
    stated = [Stated("a", "s1", LastDay(5, 40)), Stated("b", "s2", LastDay(5, 40))]
    await engine.write(lambda tables: tables.daily.add(stated))
    later = [Stated("a", "s3", LastDay(6, 50))]
    await engine.write(lambda tables: tables.daily.add(later))
    found = await engine.read(lambda tables: tables.daily.last())
    assert found == {"a": LastDay(6, 50), "b": LastDay(5, 40)}
    assert not await engine.write(lambda tables: tables.daily.close("s1", "b"))
    assert await engine.write(lambda tables: tables.daily.close("s1", "a"))
    assert not await engine.write(lambda tables: tables.daily.close("s1", "a"))


async def test_the_head_moves_from_where_it_is_and_nowhere_else(engine: HubEngine) -> None:
    await engine.write(lambda tables: tables.checkpoints.move_head(0, 3, b"a"))
    for expected in (0, 2, 4):
        with pytest.raises(RemoteError) as caught:
            await engine.write(
                lambda tables, size=expected: tables.checkpoints.move_head(size, 9, b"b")  # type: ignore[misc]
            )
        assert caught.value.code is ErrorCode.CONFLICT
    await engine.write(lambda tables: tables.checkpoints.move_head(3, 4, b"c"))
    assert await engine.read(lambda tables: tables.checkpoints.head()) == (4, b"c")


async def test_the_archive_keeps_each_note_once(engine: HubEngine) -> None:
    def keep(*notes: tuple[int, bytes]) -> Callable[[HubTables], None]:
        def work(tables: HubTables) -> None:
            for size, note in notes:
                tables.checkpoints.archive(size, note)

        return work

    await engine.write(keep((1, b"a"), (1, b"a"), (2, b"b"), (1, b"c")))
    notes = await engine.read(lambda tables: tables.checkpoints.archived(0, 10))
    assert [item.note for item in notes] == [b"a", b"b", b"c"]
    newest = await engine.read(lambda tables: tables.checkpoints.newest())
    assert newest == (2, b"b"), "a late line over an earlier one does not take its place"


async def test_somebody_is_told_once_that_there_is_no_quorum(engine: HubEngine) -> None:
    def look(now: int) -> Callable[[HubTables], tuple[bool, int | None]]:
        def work(tables: HubTables) -> tuple[bool, int | None]:
            tables.checkpoints.close(now)
            due = tables.checkpoints.is_alarm_due(now - 10)
            return due, tables.checkpoints.closed_since()

        return work

    assert [await engine.write(look(now)) for now in (100, 105, 110, 115)] == [
        (False, 100), (False, 100), (True, 100), (False, 100),
    ]  # fmt: skip
    await engine.write(lambda tables: tables.checkpoints.reopen())
    assert await engine.read(lambda tables: tables.checkpoints.closed_since()) is None


async def test_which_witness_has_seen_more_is_kept_until_it_is_not_so(engine: HubEngine) -> None:
    for said in ("w1.example", "w2.example", None, None):
        await engine.write(lambda tables, said=said: tables.checkpoints.set_ahead(said))  # type: ignore[misc]
        assert await engine.read(lambda tables: tables.checkpoints.ahead()) == said


async def test_refusals_are_counted_by_sender_and_day(engine: HubEngine) -> None:
    counted = [
        await engine.write(
            lambda tables, who=who, day=day: tables.log.count_rejection(who, day)  # type: ignore[misc]
        )
        for who, day in (("a", 1), ("a", 1), ("b", 1), ("a", 2), ("a", 1))
    ]
    assert counted == [1, 2, 1, 1, 3]


async def test_what_is_over_quota_is_counted_once_and_taken_when_it_cannot_come_again(
    engine: HubEngine,
) -> None:
    def refused(tables: HubTables) -> list[bool]:
        count = tables.over_quota.count
        return [
            count("a", "s1", 100, final=0),
            count("a", "s1", 100, final=0),
            count("a", "s2", 500, final=0),
            count("b", "s3", 100, final=400),
        ]

    assert await engine.write(refused) == [True, False, True, True]
    assert await engine.write(lambda t: t.over_quota.take("a", 500)) == 1, "s2 may come again"
    assert await engine.write(lambda t: t.over_quota.take("a", 501)) == 1
    assert await engine.write(lambda t: t.over_quota.take("a", 501)) == 0
    assert await engine.write(lambda t: t.over_quota.take("b", 501)) == 1

    def first(tables: HubTables) -> list[bool]:
        is_first = tables.over_quota.is_first
        days = ((1, "request"), (1, "request"), (2, "request"), (1, "verdict"))
        return [is_first("a", kind, day) for day, kind in days]

    assert await engine.write(first) == [True, False, True, True]


# A database of the version before


async def test_a_database_of_the_version_before_is_opened_and_its_rows_are_read(
    tmp_path: Path,
) -> None:
    file = sqlite3.connect(tmp_path / "hub.sqlite")
    for script in SCHEMA.scripts[:7]:
        for statement in script.split(";\n"):
            file.execute(statement)
    file.execute("PRAGMA user_version=7")
    file.execute(
        "INSERT INTO identity_check VALUES ('c', 'a', 'b', 'l', 900, 100, 'q', 'd', 'allow', "
        "'1', 'same')"
    )
    file.commit()
    file.close()
    engine = open_engine(tmp_path)
    check = await engine.read(lambda tables: tables.checks.get("c"))
    assert check is not None
    assert (check.state, check.answered_by) == (CheckState.ANSWERED, None)
    (found,) = await engine.read(lambda tables: tables.checks.conversations(101))
    assert found.steps == ("q", "d", "1")
    assert not (await engine.read(lambda tables: tables.directory.current())).charters
    await engine.close()
