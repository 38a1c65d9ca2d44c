"""What the node's commands print: plain English, and the same as JSON for scripts.

Reads the node's own database. Shows client data to the agency's own people on their own screen;
nothing here is logged.
"""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from node.alarms import open_alarms
from node.links.team import Team, Unpublished
from node.membership.hub import HubMembership
from node.oversight.governance import governance_value
from node.publishing.limits import waiting_words
from node.publishing.publisher import Published
from node.records.clients import ImportReport
from node.requests.without_quorum import is_shown
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest, SentState
from node.store.tables import NodeTables
from protocol.governance.charter import LawfulBasis
from protocol.requests.refusals import sentence

WAITING = {
    "sending": "on its way to the council's hub",
    "waiting": "with the other organisation",
    "allowed": "allowed; the card is on its way",
    "refused": "refused",
    "failed": "could not be sent",
    "opened": "answered",
    "arrived": "arriving",
    "asks_person": "waits for your answer",
    "deciding": "your answer is on its way",
    "released": "allowed; the card is on its way",
    "recalled": "recalled: it was the wrong person",
    "stopped": "stopped: permission, time or membership ended",
    "closed": "a card came that could not be opened; use the duty line, and ask again",
    "log_lost": "ended: the council's log was lost and has a successor; ask again",
}
NOT_FINDABLE = {
    Unpublished.INSUFFICIENT_IDENTIFIERS: (
        "This client cannot be found by others, and cannot find them, because the record has too "
        "little to tell them from other people: it needs a name with a full date of birth, or a "
        "checked number such as an NHS number."
    ),
    Unpublished.NO_PERMISSION: (
        "This client is not published, so nobody can find you and you find nobody: no permission "
        "to share is in force."
    ),
    Unpublished.NOT_YET: (
        "This client is not published yet, so nobody can find you and you find nobody. Run "
        "patchwork-node publish; if it stays so, several of your records share what would tell "
        "them apart: see patchwork-node duplicates."
    ),
}
UNFINISHED = frozenset(
    {
        *(SentState.SENDING, SentState.WAITING, SentState.ALLOWED),
        *(ReceivedState.ASKS_PERSON, ReceivedState.DECIDING, ReceivedState.RELEASED),
    }
)


def team_value(team: Team) -> dict[str, Any]:
    """The team for scripts."""
    return {
        "own": list(team.own),
        "others": [asdict(member) for member in team.others],
        "possible": team.possible,
        "duty_desk": team.duty_desk.model_dump(),
        "published": team.published,
        "unpublished": team.unpublished,
        "waiting": team.waiting,
        "ring": [asdict(line) for line in team.ring],
    }


def print_team(out: Console, local_id: str, team: Team) -> None:
    """The team around a client, numbered, each with a duty line; and always somebody to call."""
    _say(out, f"The team around {local_id}", style="bold")
    _say(out, "You: " + (", ".join(team.own) or "no involvement that may be shared"))
    if team.unpublished is not None:
        _say(out, NOT_FINDABLE[team.unpublished])
    if team.others:
        table = Table("No.", "Who", "Organisation", "Duty line", "Hours")
        for number, member in enumerate(team.others, 1):
            table.add_row(
                *(
                    Text(plain(text))
                    for text in (
                        str(number),
                        member.label,
                        member.agency,
                        member.duty_line,
                        member.duty_hours,
                    )
                )
            )
        out.print(table)
    else:
        _say(out, "No match was found. That does not mean that nobody else works with them.")
    if team.possible:
        _say(out, f"{team.possible} possible match(es) wait for comparison.")
    if team.waiting:
        _say(out, f"{team.waiting} of this client's links wait for you: patchwork-node review.")
    if team.unpublished is Unpublished.INSUFFICIENT_IDENTIFIERS:
        _say(out, "Call those who might know them:")
        for line in team.ring:
            _say(out, f"    {plain(line.agency)}: {line.phone} ({plain(line.hours)})")
    desk = team.duty_desk
    _say(out, f"Somebody to call now: {desk.name}, {desk.phone} ({desk.hours}).")


def _say(out: Console, text: str, style: str | None = None) -> None:
    """Print text as it is: what looks like markup in a name is a name."""
    out.print(Text(text, style=style or ""))


def print_import(out: Console, report: ImportReport, rejects: str) -> None:
    """What an import did."""
    _say(
        out,
        f"{report.stored} rows stored ({report.new} new, {report.changed} changed, "
        f"{report.unchanged} unchanged).",
    )
    _say(
        out,
        f"{report.without_permission} of them have no permission in force: stored, not published.",
    )
    if report.rejected:
        _say(out, f"{report.rejected} rows were left out; {rejects} says why, line by line.")


def print_published(out: Console, report: Published) -> None:
    """What a publication did."""
    if report.held:
        _say(out, waiting_words(report.held))
    _say(
        out,
        f"{report.changed} clients published or changed, {report.unchanged} unchanged, "
        f"{report.retired} withdrawn.",
    )
    _say(
        out,
        f"{report.without_permission} without a permission in force were not published. "
        f"{report.evaluated} tokens were evaluated by the key holders.",
    )
    if report.insufficient_identifiers:
        _say(
            out,
            f"{len(report.insufficient_identifiers)} clients have too little to be found "
            "(no NHS number, and no name beside a birth date or an address): use the duty lines.",
        )


def inbox_value(tables: NodeTables, membership: HubMembership) -> dict[str, list[dict[str, Any]]]:
    """Requests to us and by us, for scripts."""
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    received = tables.received_requests.of_hub(hub_id)
    sent = tables.sent_requests.of_hub(hub_id)
    return {
        "alarms": alarms_value(tables, hub_id),
        "governance": [item for item in governance_value(tables, membership) if not item["seen"]],
        "received": [_received(tables, membership, *item) for item in received],
        "sent": [_sent(*item, now) for item in sent],
    }


def alarms_value(tables: NodeTables, hub_id: str) -> list[dict[str, Any]]:
    """What this node has noticed of a hub and nobody has dealt with yet, the worst first."""
    return [
        {
            "id": alarm.id,
            "code": alarm.code.value,
            "place": alarm.place,
            "since": alarm.first_seen,
            "severity": alarm.text.severity.name.lower(),
            "says": alarm.text.sentence,
            "what_to_do": alarm.text.what_to_do,
        }
        for alarm in open_alarms(tables, hub_id)
    ]


def print_alarms(out: Console, alarms: list[dict[str, Any]]) -> None:
    """One line for each alarm, before anything else."""
    for alarm in alarms:
        style = "bold red" if alarm["severity"] == "proof" else "bold"
        place = f" ({alarm['place']})" if alarm["place"] else ""
        _say(out, f"{alarm['id']}. {alarm['says']}{place} {alarm['what_to_do']}", style=style)


def print_set_aside(out: Console, left: list[dict[str, Any]]) -> None:
    """What still meets a fault of this program."""
    if not left:
        _say(out, "Nothing is set aside.")
        return
    _say(out, "These are kept, to be tried again:", style="bold")
    for item in left:
        why = f"{item['error']} at {item['place']}" if item["place"] else "waits for one before it"
        _say(out, f"{item['what']} {item['item']}: {why}")
    _say(out, "Tell whoever looks after this program: type and place say nothing of any client.")


def print_inbox(out: Console, value: dict[str, list[dict[str, Any]]]) -> None:
    """Requests to us and by us, after any alarm."""
    print_alarms(out, value["alarms"])
    if value["governance"]:
        count = len(value["governance"])
        _say(
            out,
            f"{count} card(s) recalled, or without witnesses: your lead for information "
            "governance must look at patchwork-node alerts.",
            style="bold",
        )
    _say(out, "Requests to you:" if value["received"] else "No requests to you.", style="bold")
    for item in value["received"]:
        _say(
            out,
            f"{item['request_id']}  about {item['client']}: {item['practitioner']} "
            f"({item['role']}) of {item['agency']} asks for contact details.",
        )
        _say(out, f"    Purpose: {item['purpose']}. Lawful basis: {item['basis']}.")
        for name, fact in item["facts"].items():
            _say(out, f"    {name}: {plain(fact)}")
        _say(out, f"    State: {item['state_text']}.")
        if item["may_go_now"]:
            _say(out, "    Witnesses have not signed yet. If a life is in danger now:")
            _say(out, f"    patchwork-node release-now {item['request_id']}")
    _say(out, "Your requests:" if value["sent"] else "You have asked for nothing.", style="bold")
    for item in value["sent"]:
        _say(out, f"{item['request_id']}  about {item['client']}: {item['state_text']}.")
        if item["sentence"]:
            _say(out, f"    {item['sentence']}")
        if item["card"]:
            print_card(out, item["card"])


def print_card(out: Console, card: dict[str, Any]) -> None:
    """A contact card."""
    names = {
        "practitioner": "Name",
        "role": "Role",
        "phone": "Telephone",
        "email": "E-mail",
        "team": "Team",
        "duty_line": "Duty line",
        "duty_hours": "Duty hours",
    }
    for field, title in names.items():
        if card.get(field):
            _say(out, f"    {title}: {plain(card[field])}")


def plain(text: str) -> str:
    """Text of another agency for a terminal: nothing in it is obeyed."""
    return "".join(character if character.isprintable() else " " for character in text)


def basis_lines(bases: list[LawfulBasis]) -> list[str]:
    """Lawful bases to choose from, numbered."""
    return [
        f"{number}. {basis.title} ({basis.code}, {basis.source})"
        for number, basis in enumerate(bases, 1)
    ]


def _received(
    tables: NodeTables, membership: HubMembership, client: str | None, request: ReceivedRequest
) -> dict[str, Any]:
    charter = membership.charter
    member = membership.directory.member(request.requester)
    basis = charter.lawful_basis(request.basis)
    purposes = {purpose.code: purpose.title for purpose in charter.purposes}
    titles = {rule.field: rule.title for rule in basis.must_record} if basis else {}
    return {
        "request_id": request.request_id,
        "client": client,
        "agency": member.body.name if member else "an organisation that has left",
        "practitioner": request.asker.name,
        "role": request.asker.role.replace("_", " "),
        "purpose": purposes.get(request.purpose, request.purpose),
        "basis": f"{basis.title} ({basis.code})" if basis else request.basis,
        "facts": {titles.get(key, key): value for key, value in request.facts.items()},
        "state": request.state.value,
        "state_text": _state_text(request, membership.env.clock()),
        "may_go_now": is_shown(tables, membership, request),
    }


def _sent(client: str, request: SentRequest, now: int) -> dict[str, Any]:
    refused = request.state in {SentState.REFUSED, SentState.FAILED} and request.code
    return {
        "request_id": request.request_id,
        "client": client,
        "state": request.state.value,
        "state_text": _state_text(request, now),
        "code": request.code,
        "sentence": sentence(request.code, request.field) if refused and request.code else None,
        "card": request.card.model_dump() if request.card else None,
    }


def _state_text(request: SentRequest | ReceivedRequest, now: int) -> str:
    if request.expires <= now and request.state in UNFINISHED:
        return "expired; it can be asked again"
    return WAITING.get(request.state, request.state.value)
