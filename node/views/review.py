"""What the commands and the API say about what people decide: values, and plain English.

Shows client data to the agency's own people; nothing here is logged.
"""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from node.dispatch import Dispatcher
from node.identity_checks.asking import shown
from node.links.review import Waiting
from node.membership.hub import HubMembership
from node.records.duplicates import Duplicate
from node.store.checks import ReceivedCheck, SentCheck, SentCheckState
from node.store.tables import NodeTables
from protocol.errors import ERROR_TEXTS, ErrorCode
from protocol.requests.refusals import sentence

FIELDS = {
    "given": "Given name",
    "family": "Family name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}
STATES = {
    "sending": "on its way to the council's hub",
    "waiting": "the hub is deciding",
    "allowed": "allowed; the details leave when enough witnesses have seen that",
    "sending_details": "allowed; the details are leaving",
    "compared": "with the other organisation, which compares",
    "answered": "answered",
    "refused": "refused",
    "failed": "could not be sent",
    "stopped": "stopped: the link or the time has ended",
    "asks_person": "waits for your answer",
    "arrived": "arriving",
    "expired": "expired; nothing was compared",
}
WITHOUT_WITNESSES = (
    "Too few witnesses have signed the council's log. If the card leaves now, nobody outside the",
    "council can see that it does, nor that the others may still take it, until they are back.",
    "Have you tried the duty line?",
)
ANSWERS = {
    "same": "They say: the same person. Look again, and give your own answer.",
    "not_same": "They say: not the same person. Look again, and give your own answer.",
    "cannot_say": "They cannot say whether it is the same person.",
    "refused": "They did not compare.",
}


def queue_value(
    tables: NodeTables, membership: HubMembership, dispatcher: Dispatcher
) -> dict[str, Any]:
    """What waits for people, for scripts."""
    hub_id = membership.hub.hub_id
    received = tables.received_checks.to_answer(hub_id)
    return {
        "queue": [_waiting(item) for item in dispatcher.reviewing.queue(tables)],
        "to_compare": [_received(tables, membership, check) for check in received],
        "checks": [check_value(check) for check in tables.sent_checks.of_hub(hub_id)],
    }


def check_value(check: SentCheck) -> dict[str, Any]:
    """One of our own identity checks, for scripts."""
    refused = check.state in {SentCheckState.REFUSED, SentCheckState.FAILED}
    return {
        "check_id": check.check_id,
        "link_id": check.link_id,
        "state": check.state.value,
        "state_text": STATES.get(check.state, check.state.value),
        "answer": check.answer,
        "code": check.code,
        "sentence": sentence(check.code, check.field) if refused and check.code else None,
    }


def print_queue(out: Console, value: dict[str, Any]) -> None:
    """The review queue, checks to answer, and our own checks."""
    _say(out, "Links that wait for you:" if value["queue"] else "No link waits for you.", "bold")
    for item in value["queue"]:
        _say(out, f"{item['link_id']}  about {item['client']}: {item['text']}")
        if item["problem"]:
            _say(out, f"    Your last answer was not taken: {item['problem']}")
    for item in value["to_compare"]:
        _print_comparison(out, item)
    if value["checks"]:
        _say(out, "Your identity checks:", "bold")
    for item in value["checks"]:
        _say(out, f"{item['check_id']}  link {item['link_id']}: {item['state_text']}.")
        for line in (ANSWERS.get(item["answer"] or ""), item["sentence"]):
            if line:
                _say(out, f"    {line}")


def print_duplicates(out: Console, found: list[Duplicate]) -> None:
    """Clients who look like one person twice."""
    if not found:
        _say(out, "No two of your clients look like one person.")
        return
    _say(out, "These look like one person twice. Nobody else is told:", "bold")
    for item in found:
        _say(out, f"{item.first} and {item.second}: {len(item.agreeing)} kinds of detail agree")


def print_alerts(out: Console, notices: list[dict[str, Any]]) -> None:
    """What the lead for information governance must know."""
    _say(out, "For your lead for information governance:" if notices else "No alerts.", "bold")
    for item in notices:
        new = "" if item["seen"] else "NEW  "
        say = _print_recall if item["what"] == "wrong_person" else _print_unwitnessed
        say(out, item, f"{new}request {item['request_id']}: ")


def _print_recall(out: Console, item: dict[str, Any], start: str) -> None:
    by = "Your organisation" if item["said_by_us"] else item["agency"]
    _say(out, f"{start}{by} said that it was the wrong person.")
    if item["we_asked"]:
        _say(out, "    You held the card. This node has deleted it; what was read or copied")
        _say(out, "    from it stays with whoever did so.")
    elif item["recalled_at"] is None:
        _say(out, f"    {item['agency']} holds the card and has not said yet that it is gone.")
    else:
        _say(out, f"    {item['agency']} states that its node deleted the card. That is its")
        _say(out, "    word, not a proof; somebody may have read or copied it.")


def _print_unwitnessed(out: Console, item: dict[str, Any], start: str) -> None:
    if item["we_asked"]:
        _say(out, f"{start}a card came from {item['agency']} before witnesses had signed.")
    else:
        who = item["practitioner"] or "somebody here"
        _say(out, f"{start}{who} let a card go to {item['agency']} before witnesses had signed.")
    _say(out, "    Was a life in danger? Look at it with the other organisation. When the")
    _say(out, "    witnesses are back this node looks it up in the log, and an alarm says if it")
    _say(out, "    is not there.")


def value_of(found: list[Duplicate]) -> list[dict[str, Any]]:
    """Duplicates for scripts."""
    return [asdict(item) for item in found]


def _waiting(item: Waiting) -> dict[str, Any]:
    if item.state == "match":
        labels = ", ".join(item.labels) or "an involvement"
        text = f"somebody doubts that this is the client of {item.agency} ({labels}). Look again."
    else:
        text = "perhaps another organisation works with the same person. Is it the same?"
    problem = ERROR_TEXTS[ErrorCode(item.problem)].title if item.problem else None
    return {**asdict(item), "text": text, "problem": problem}


def _received(
    tables: NodeTables, membership: HubMembership, check: ReceivedCheck
) -> dict[str, Any]:
    """An identity check to answer: their details beside ours."""
    link = tables.links.get(check.hub_id, check.link_id)
    client = tables.client_of_stub(check.hub_id, link.stub_id) if link else None
    member = membership.directory.member(check.requester)
    basis = membership.charter.lawful_basis(check.basis)
    theirs = check.details.model_dump() if check.details else {}
    return {
        "check_id": check.check_id,
        "client": client["local_id"] if client else None,
        "agency": member.body.name if member else "an organisation that has left",
        "practitioner": check.practitioner,
        "role": check.role.replace("_", " "),
        "purpose": check.purpose,
        "basis": f"{basis.title} ({basis.code})" if basis else check.basis,
        "facts": dict(check.facts),
        "theirs": {field: theirs.get(field) for field in FIELDS},
        "ours": {field: shown(client[field]) if client else None for field in FIELDS},
        "expires": check.expires,
    }


def _print_comparison(out: Console, item: dict[str, Any]) -> None:
    _say(out, "Is this the same person?", "bold")
    who = f"{item['practitioner']} ({item['role']}) of {item['agency']}"
    _say(out, f"{item['check_id']}  about {item['client']}: {who} asks.")
    _say(out, f"    Purpose: {item['purpose']}. Lawful basis: {item['basis']}.")
    for field, title in FIELDS.items():
        theirs, ours = item["theirs"][field] or "not given", item["ours"][field] or "not known"
        _say(out, f"    {title}: theirs {plain(theirs)}; yours {plain(ours)}")
    _say(out, "    Answer with patchwork-node identity-answer.")


def plain(text: str) -> str:
    """Text of another agency for a terminal: nothing in it is obeyed."""
    return "".join(character if character.isprintable() else " " for character in text)


def _say(out: Console, text: str, style: str = "") -> None:
    out.print(Text(plain(text), style=style))
