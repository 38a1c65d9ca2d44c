"""A client's record: correct it, close work, hand it over; and why somebody looks who is of no team
of theirs.
"""

import re
from collections.abc import Mapping
from typing import Any

from node.actions.clients import close_work, correct_client
from node.records import by_hand, caseload
from node.records.accounts import STAFF
from node.records.by_hand import By
from node.store.tables import NodeTables
from node.views.clients import client_value
from node.web.pages.desk import NodePage, NodeVisit, told_later
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.normalise import parse_date, sex
from protocol.matchkeys.records import ClientRecord
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

REASONS = ("covering", "duty", "asked", "checking", "another")
MOST_REASON = 200
FIELDS = (
    "given", "middle", "family", "date_of_birth", "sex", "address", "postcode", "nhs_number",
)  # fmt: skip
"""In the order of the page, and so of what is wrong on it."""


async def show_reason(visit: NodeVisit) -> Answer:
    """Ask why somebody looks at a client of others."""
    return Shown("clients/reason.html", {"reasons": REASONS})


async def say_reason(visit: NodeVisit) -> Answer:
    """Write down why, and let them look."""
    reason = visit.form.one_of("reason", REASONS, "clients.wrong.reason")
    more = visit.form.text("more", most=MOST_REASON)
    if reason == "another" and not more:
        raise InvalidForm({"more": "clients.wrong.more"})
    row, person, now = visit.number("client"), visit.here.person, visit.here.now
    await visit.here.known(row)
    said = f"{reason}: {more}" if more else reason
    await visit.here.engine.write(lambda t: caseload.look(t, person, row, now, said))
    return Go(f"/clients/{row}")


async def show_correct(visit: NodeVisit) -> Answer:
    """Show a client's record as it is, to be corrected."""
    client = await visit.here.client(visit.number("client"))
    values = {name: getattr(client.record, name) or "" for name in FIELDS}
    born = parse_date(values["date_of_birth"])
    if born is not None:  # as the page asks for it
        values["date_of_birth"] = f"{born.day} {born.month} {born.year}"
    values["nhs_number"] = spaced(values["nhs_number"])
    return Shown("clients/correct.html", {"client": client, "fields": values})


async def correct(visit: NodeVisit) -> Answer:
    """Say what is right of a client."""
    client = await visit.here.client(visit.number("client"))
    fields = {name: visit.form.text(name) for name in FIELDS}
    typed = {n: text for n, text in fields.items() if not _same(n, text, client.record)}
    if wrong := not_read(visit, typed):
        raise InvalidForm({name: f"clients.wrong.fields.{name}" for name in wrong})
    if typed:
        await _corrected(visit, client.local_id, typed)
    return Go(f"/clients/{client.id}?corrected")


def _same(name: str, text: str, record: ClientRecord) -> bool:
    """Whether what is typed is what the record has, written otherwise perhaps."""
    kept = getattr(record, name) or ""
    if name == "date_of_birth":
        return text == kept or (bool(text) and parse_date(text) == parse_date(kept))
    return bool(text == kept or (name == "nhs_number" and text == spaced(kept)))


def spaced(number: str) -> str:
    """An NHS number as people read it, 999 000 0026; another as it is."""
    found = re.fullmatch("([0-9]{3})([0-9]{3})([0-9]{4})", number)
    return " ".join(found.groups()) if found else number


async def _corrected(visit: NodeVisit, local_id: str, typed: Mapping[str, str]) -> None:
    """What is typed is right, and what is typed as empty is not known."""
    cleared = [name for name, text in typed.items() if not text]
    said = {name: text for name, text in typed.items() if text}
    service, person = visit.here.hubs.any(), visit.here.person.id
    try:
        await told_later(correct_client(service, local_id, said, cleared, person))
    except LocalError as error:
        if error.code is not ErrorCode.MALFORMED:
            raise
        raise InvalidForm({"given": "clients.wrong.name"}) from None


def not_read(visit: NodeVisit, typed: Mapping[str, str]) -> list[str]:
    """The fields in which something stands that cannot be read."""
    return [name for name, text in typed.items() if text and not _reads(visit, name, text)]


def _reads(visit: NodeVisit, name: str, text: str) -> bool:
    if name == "sex":
        return sex(text) is not None
    try:
        by_hand.read_record({name: text}, By(0, visit.here.now).today)
    except LocalError:
        return False
    return True


async def show_close(visit: NodeVisit) -> Answer:
    """Ask which work with a client is over."""
    client = await visit.here.client(visit.number("client"))
    return Shown("clients/close.html", {"client": client, "work": await _open(visit)})


async def close(visit: NodeVisit) -> Answer:
    """End work with a client."""
    client = await visit.here.client(visit.number("client"))
    numbers = [str(item["number"]) for item in await _open(visit)]
    chosen = visit.form.all("work")
    if not chosen or not set(chosen) <= set(numbers):
        raise InvalidForm({"work": "clients.wrong.work"})
    for number in dict.fromkeys(chosen):
        service, person = visit.here.hubs.any(), visit.here.person.id
        await told_later(close_work(service, client.local_id, int(number), person))
    return Go("/clients?work_closed")


async def _open(visit: NodeVisit) -> list[dict[str, Any]]:
    client, now = await visit.here.client(visit.number("client")), visit.here.now
    value = await visit.here.read(lambda tables: client_value(tables, client.local_id, now))
    types = visit.here.hubs.any().membership.agreement.types
    return [
        {
            **item,
            "title": item["label"]
            or (types[item["type"]].title if item["type"] in types else item["type"]),
        }
        for item in value["work"]  # type: ignore[attr-defined]
        if item["state"] != "closed"
    ]


async def show_hand_over(visit: NodeVisit) -> Answer:
    """Ask to which colleague a client goes."""
    client = await visit.here.client(visit.number("client"))
    return Shown("clients/hand_over.html", {"client": client, "names": await colleagues(visit)})


async def colleagues(visit: NodeVisit) -> list[tuple[str, str]]:
    """Whom to choose among; of who cannot sign in it is said: they would see nothing of it."""
    person, say = visit.here.person.id, visit.site.say
    found = await visit.here.read(lambda tables: caseload.colleagues(tables, person))
    return [
        (name, name if signs_in else say("clients.hand_over.cannot_sign_in", name=name))
        for name, signs_in in found
    ]


async def hand_over(visit: NodeVisit) -> Answer:
    """Hand a client over to a colleague."""
    client = await visit.here.client(visit.number("client"))
    to = visit.form.text("to", missing="clients.wrong.to")
    by = By(visit.here.person.id, visit.here.now)

    def work(tables: NodeTables) -> None:
        caseload.hand_over(tables, client.id, to, by)

    try:
        await visit.here.engine.write(work)
    except LocalError as error:
        keys = {
            ErrorCode.NOT_FOUND: "clients.wrong.to",
            ErrorCode.CONFLICT: "clients.wrong.not_mine",
        }
        raise InvalidForm({"to": keys.get(error.code, "clients.wrong.to")}) from None
    return Go("/clients?handed_over")


PAGES = [
    NodePage("/clients/{client}/reason", STAFF, show_reason, say_reason),
    NodePage("/clients/{client}/correct", STAFF, show_correct, correct),
    NodePage("/clients/{client}/close", STAFF, show_close, close),
    NodePage("/clients/{client}/hand-over", STAFF, show_hand_over, hand_over),
]
