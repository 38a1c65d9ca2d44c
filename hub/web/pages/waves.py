"""Waves: organisations that go live together, and what each of them lacks."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web

from hub.members import wave_steps
from hub.members.accounts import OPERATOR
from hub.members.invitations import reference_of
from hub.members.office import keep_invitation, new_invitation
from hub.members.wave_steps import Step
from hub.store.office import Act, ActKind
from hub.store.tables import HubTables
from hub.store.waves import Wave
from hub.web.pages.desk import HubPage, HubVisit
from protocol.errors import LocalError
from protocol.fields import to_base64
from protocol.wire import Invitation, encode_wire
from storage.engine import NotUniqueError
from web.forms import Form, InvalidForm, gathered
from web.site import Answer, Go, Shown

NAME, NAMES = 80, 10_000
WHAT = ("invite", "trained", "opened", "take_out")


async def show(visit: HubVisit) -> Answer:
    """Show all waves, and how many of each are open."""

    def look(tables: HubTables) -> list[tuple[Wave, int, int]]:
        found = []
        for wave in tables.waves.all():
            organisations = tables.waves.organisations(wave.id)
            opened = sum(one.opened_on is not None for one in organisations)
            found.append((wave, len(organisations), opened))
        return found

    return Shown("waves/list.html", {"waves": await visit.here.read(look)})


async def show_new(_visit: HubVisit) -> Answer:
    """Ask for a name, a day and organisations."""
    return Shown("waves/new.html")


async def add(visit: HubVisit) -> Answer:
    """Begin a wave."""
    name, day = _name_and_day(visit.form)
    names = _names(visit.form, missing="waves.wrong.names")

    def work(tables: HubTables) -> int:
        wave = tables.waves.add(name, day.isoformat())
        tables.waves.put_in(wave, names)
        return wave

    try:
        wave = await visit.here.hub.engine.write(work)
    except NotUniqueError:
        raise InvalidForm({"name": "waves.wrong.taken"}) from None
    return Go(f"/waves/{wave}")


async def show_one(visit: HubVisit) -> Answer:
    """Show a wave: its organisations, the steps behind each, and what is missing."""
    number = visit.number("wave")

    def look(tables: HubTables) -> dict[str, Any]:
        wave, found = _wave(tables, number), wave_steps.progress(tables, number)
        ready = [one for one in found if set(one.missing) <= {Step.OPENED}]
        steps = [*Step]
        return {"wave": wave, "found": found, "ready": len(ready), "steps": steps, "what": WHAT}

    return Shown("waves/one.html", await visit.here.read(look))


async def act(visit: HubVisit) -> Answer:
    """Invite the chosen organisations, or take down that they are trained or open, or leave."""
    number = visit.number("wave")
    names = await _chosen(visit, number)
    what = visit.form.raw("what")
    gathered(
        InvalidForm({"chosen": "waves.wrong.chosen"}) if not names else None,
        InvalidForm({"what": "waves.wrong.what"}) if what not in WHAT else None,
    )
    if what == "invite":
        return await _invite(visit, number, names)
    today = datetime.fromtimestamp(visit.here.now, UTC).date().isoformat()

    def work(tables: HubTables) -> None:
        if what == "take_out":
            tables.waves.take_out(number, names)
        else:
            wave_steps.tick(tables, number, Step(what), names, today)

    await visit.here.hub.engine.write(work)
    return Go(f"/waves/{number}")


async def _invite(visit: HubVisit, number: int, names: Sequence[str]) -> Answer:
    """An invitation for each; all are shown once, together."""
    hub, now, who = visit.here.hub, visit.here.now, visit.here.title

    def make() -> list[tuple[str, Invitation, int]]:
        return [(name, *new_invitation(hub.folder, hub.env)) for name in names]

    pairs = await asyncio.to_thread(make)

    def work(tables: HubTables) -> None:
        for name, made, expires in pairs:
            tables.waves.invited(number, name, keep_invitation(tables, made, expires))
            tables.office.note(Act(now, who, ActKind.INVITED, reference_of(made), name))

    await hub.engine.write(work)
    texts = [
        {"name": name, "text": to_base64(encode_wire(made)), "reference": reference_of(made)}
        for name, made, _ in pairs
    ]
    values = {"made": texts, "expires": pairs[0][2], "back": f"/waves/{number}"}
    return Shown("invitations/made.html", values, done_at=f"/waves/{number}")


async def show_change(visit: HubVisit) -> Answer:
    """Ask for another name or day, or more organisations."""
    number = visit.number("wave")
    wave = await visit.here.read(lambda tables: _wave(tables, number))
    return Shown("waves/change.html", {"wave": wave, "on": date.fromisoformat(wave.day)})


async def change(visit: HubVisit) -> Answer:
    """Change a wave, or forget it."""
    number = visit.number("wave")
    await visit.here.read(lambda tables: _wave(tables, number))
    if visit.form.raw("forget") == "yes":
        await visit.here.hub.engine.write(lambda tables: tables.waves.drop(number))
        return Go("/waves")
    name, day = _name_and_day(visit.form)
    names = _names(visit.form)

    def work(tables: HubTables) -> None:
        tables.waves.change(number, name, day.isoformat())
        tables.waves.put_in(number, names)

    try:
        await visit.here.hub.engine.write(work)
    except NotUniqueError:
        raise InvalidForm({"name": "waves.wrong.taken"}) from None
    return Go(f"/waves/{number}")


def _wave(tables: HubTables, number: int) -> Wave:
    found = tables.waves.get(number)
    if found is None:
        raise web.HTTPNotFound
    return found


async def _chosen(visit: HubVisit, number: int) -> list[str]:
    """The names of organisations of this wave that were ticked."""

    def look(tables: HubTables) -> list[str]:
        _wave(tables, number)
        known = [one.name for one in tables.waves.organisations(number)]
        ticked = set(visit.form.all("chosen"))
        return [name for name in known if name in ticked]

    return await visit.here.read(look)


def _name_and_day(form: Form) -> tuple[str, date]:
    wrong: list[InvalidForm] = []
    name, day = "", None
    try:
        name = form.text("name", missing="waves.wrong.name", most=NAME)
    except InvalidForm as error:
        wrong.append(error)
    try:
        day = form.day("day", "waves.wrong.day", "waves.wrong.no_day")
    except InvalidForm as error:
        wrong.append(error)
    gathered(*wrong)
    return name, day or date.min


def _names(form: Form, missing: str = "") -> list[str]:
    text = form.text("organisations", missing=missing, most=NAMES)
    try:
        return wave_steps.read_names(text)
    except LocalError:
        raise InvalidForm(
            {"organisations": "waves.wrong.no_name"}, most=wave_steps.MOST_ORGANISATIONS
        ) from None


PAGES = [
    HubPage("/waves", OPERATOR, show, nav="waves.list.nav"),
    HubPage("/waves/new", OPERATOR, show_new, add),
    HubPage("/waves/{wave}", OPERATOR, show_one, act),
    HubPage("/waves/{wave}/change", OPERATOR, show_change, change),
]
