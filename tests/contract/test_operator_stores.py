"""What the operator's stores promise, on every engine: accounts and sessions, acts, alarms, waves,
and what take-up is reckoned from.
"""

import pytest

from hub.store.office import Act, ActKind, HeardOf, StandingAlarm
from hub.store.requests import NewRequest
from hub.store.tables import HubEngine, HubTables
from hub.store.take_up import AskedAt, WeekFigure
from storage.accounts import Session, hashed
from storage.engine import NotUniqueError


async def test_who_signs_in_has_a_session_until_it_is_ended(hub: HubEngine) -> None:
    def begin(tables: HubTables) -> int:
        account = tables.accounts.add("olive", None, 1, administrator=False)
        tables.accounts.invite(account.id, "secret", 9)
        tables.sessions.start(Session(hashed("s"), account.id, 1, 1, "browser"))
        return account.id

    number = await hub.write(begin)
    assert (await hub.read(lambda t: t.accounts.invited("secret"))).id == number  # type: ignore[union-attr]
    with pytest.raises(NotUniqueError):
        await hub.write(lambda t: t.accounts.add("olive", None, 1, administrator=False))
    assert await hub.write(lambda t: t.sessions.begin_form(hashed("s"), "once")) is None
    assert await hub.write(lambda t: t.sessions.begin_form(hashed("s"), "once")) == ""
    await hub.write(lambda t: t.sessions.end_form(hashed("s"), "once", "/members"))
    assert await hub.write(lambda t: t.sessions.begin_form(hashed("s"), "once")) == "/members"
    second = await hub.write(lambda t: t.accounts.add("two", None, 1, administrator=False))
    assert second.id > number
    await hub.write(lambda t: t.sessions.end_all(number))
    assert await hub.read(lambda t: t.sessions.get(hashed("s"))) is None


async def test_acts_are_told_newest_first_and_alarms_keep_their_beginning(hub: HubEngine) -> None:
    acts = [Act(n, "olive", ActKind.SUSPENDED, "a" if n < 3 else "b", f"r{n}") for n in range(4)]
    for act in acts:
        await hub.write(lambda t, act=act: t.office.note(act))  # type: ignore[misc]
    assert await hub.read(lambda t: t.office.acts("a", 2)) == [acts[2], acts[1]]
    for at, says in ((5, "first"), (6, "second")):
        await hub.write(lambda t, at=at, says=says: t.office.alarm("round", says, at))  # type: ignore[misc]
    await hub.write(lambda t: t.office.alarm("admit", "other", 4))
    rows = [StandingAlarm("admit", "other", 4), StandingAlarm("round", "second", 5)]
    assert await hub.read(lambda t: t.office.alarms()) == rows
    await hub.write(lambda t: t.office.clear("admit"))
    assert await hub.read(lambda t: t.office.alarms()) == rows[1:]
    await hub.write(lambda t: t.office.clear_all())
    assert await hub.read(lambda t: t.office.alarms()) == []


async def test_what_was_heard_last_of_a_member_stays(hub: HubEngine) -> None:
    for version, at in (("0.1.0", 5), ("", 9)):
        heard = HeardOf("a", version, at)
        await hub.write(lambda t, h=heard: t.office.hear(h))  # type: ignore[misc]
    assert await hub.read(lambda t: t.office.heard_of("a")) == HeardOf("a", "", 9)
    assert await hub.read(lambda t: t.office.heard_of("b")) is None


async def test_a_wave_keeps_what_is_known_of_those_who_are_put_in_again(hub: HubEngine) -> None:
    number = await hub.write(lambda t: t.waves.add("North", "2027-03-14"))
    with pytest.raises(NotUniqueError):
        await hub.write(lambda t: t.waves.add("North", "2027-03-15"))
    await hub.write(lambda t: t.waves.put_in(number, ["B", "A"]))
    await hub.write(lambda t: t.waves.trained(number, "A", "2027-03-01"))
    await hub.write(lambda t: t.waves.invited(number, "A", "hash"))
    await hub.write(lambda t: t.waves.put_in(number, ["A", "C"]))
    found = await hub.read(lambda t: t.waves.organisations(number))
    assert [(one.name, one.invitation, one.trained_on, one.opened_on) for one in found] == [
        ("A", "hash", "2027-03-01", None), ("B", None, None, None), ("C", None, None, None),
    ]  # fmt: skip
    await hub.write(lambda t: t.waves.take_out(number, ["B"]))
    await hub.write(lambda t: t.waves.change(number, "East", "2027-03-16"))
    (wave,) = await hub.read(lambda t: t.waves.all())
    assert (wave.name, wave.day) == ("East", "2027-03-16")
    await hub.write(lambda t: t.waves.drop(number))
    assert await hub.read(lambda t: (t.waves.all(), t.waves.organisations(number))) == ([], [])


async def test_the_last_day_of_a_week_that_was_looked_at_stays(hub: HubEngine) -> None:
    days = [
        WeekFigure(7, "a", 46, 1, 2, "under_5"), WeekFigure(7, "a", 47, 3, 4, ""),
        WeekFigure(8, "a", 53, 5, 6, ""), WeekFigure(6, "a", 40, 0, 0, ""),
    ]  # fmt: skip
    for one in days:
        await hub.write(lambda t, one=one: t.take_up.note([one]))  # type: ignore[misc]
    assert await hub.read(lambda t: t.take_up.weeks(7)) == [days[1], days[2]]
    assert await hub.read(lambda t: [t.take_up.is_noted(day) for day in (46, 47)]) == [False, True]


async def test_answers_are_counted_by_who_gave_them(hub: HubEngine) -> None:
    for by_rule in (True, False, True):
        await hub.write(lambda t, r=by_rule: t.take_up.count_answer("a", "X", by_rule=r))  # type: ignore[misc]
    await hub.write(lambda t: t.take_up.count_answer("b", "X", by_rule=True))
    assert await hub.read(lambda t: t.take_up.answers()) == {("a", "X"): (1, 2), ("b", "X"): (0, 1)}


async def test_a_request_has_the_times_of_its_answer_and_of_its_first_card(hub: HubEngine) -> None:
    columns = ("idx", "leaf", "statement_id", "kind", "sender", "nonce", "iat", "received_at")
    steps = [("d", 20), ("r1", 30), ("r2", 90)]
    entries = [(n, b"l", name, "k", "b", name, iat, iat) for n, (name, iat) in enumerate(steps)]

    def fill(tables: HubTables) -> None:
        tables.tx.insert_rows("entry", columns, entries)
        for name in ("one", "two"):
            request = NewRequest(name, f"s-{name}", "a", "b", "l", "i", 99, 10, "h", "allow")
            tables.requests.add(request)
        allowed = {"decision": "d", "outcome": "allow", "release": "r2"}
        tables.tx.update("request", allowed, {"request_id": "one"})
        tables.tx.update("request", {"decision": "d", "outcome": "refer"}, {"request_id": "two"})
        earlier = {"request_id": "one", "release": "r1", "recall": "c", "recall_done": "d"}
        tables.tx.insert("earlier_card", earlier)

    await hub.write(fill)
    found = await hub.read(lambda t: t.take_up.requests(0))
    assert sorted(found, key=lambda one: one.request_id) == [
        AskedAt("one", "a", "b", 10, 20, 30), AskedAt("two", "a", "b", 10, None, None),
    ]  # fmt: skip
    assert await hub.read(lambda t: t.take_up.requests(11)) == []


async def test_work_is_counted_whatever_it_is_called(hub: HubEngine) -> None:
    def fill(tables: HubTables) -> None:
        label = r'{"label": "\"permission\":", "permission": {}}'
        for stub_id, retired, work in (
            ("1", 0, f"[{label}, {label}]"), ("2", 0, "[]"), ("3", 1, f"[{label}]"),
        ):  # fmt: skip
            row = {"stub_id": stub_id, "agency": "a", "revision": 1, "retired": retired}
            tables.tx.insert("stub", {**row, "involvements": work, "publication": "p"})

    await hub.write(fill)
    assert await hub.read(lambda t: t.take_up.involvements()) == {"a": 2}


async def test_the_newest_of_a_sender_is_found(hub: HubEngine) -> None:
    columns = ("idx", "leaf", "statement_id", "kind", "sender", "nonce", "iat", "received_at")
    entries = [(n, b"l", f"s{n}", "k" if n < 3 else "other", "a", f"n{n}", n, n) for n in range(5)]

    def fill(tables: HubTables) -> None:
        tables.tx.insert_rows("entry", columns, entries)
        rows = [(n, b"", f"e{n}".encode()) for n in range(3)]
        tables.tx.insert_rows("payload", ("idx", "salt", "envelope"), rows)

    await hub.write(fill)
    assert await hub.read(lambda t: t.log.newest_of("a", "k", 2)) == [b"e2", b"e1"]
    assert await hub.read(lambda t: t.log.last_of("a", ("k",))) == 2
    assert await hub.read(lambda t: t.log.last_of("a", ("k", "other"))) == 4
    assert await hub.read(lambda t: t.log.last_of("b", ("k",))) is None
