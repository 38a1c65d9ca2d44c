"""What the lead for information governance reads, one alert after the other, in plain English."""

from typing import Any

from rich.console import Console
from rich.text import Text

from node.cli.printing import plain


def print_alerts(out: Console, notices: list[dict[str, Any]]) -> None:
    """What the lead for information governance must know."""
    head = "For your lead for information governance:" if notices else "No alerts."
    out.print(Text(head, style="bold"))
    for item in notices:
        new = "" if item["seen"] else "NEW  "
        say = ALERTS[item["what"]]
        say(out, item, f"{new}request {item['request_id']}: " if item["request_id"] else new)


def _print_held(out: Console, item: dict[str, Any], start: str) -> None:
    _say(
        out,
        f"{start}the records of {item['agency']} would put too many questions to your",
        "    people: far more of them are perhaps your clients than surely are. None is put.",
        "    Call that organisation and the council. If it is meant, the council can give",
        "    more room in the sharing agreement.",
    )


def _print_unsent(out: Console, item: dict[str, Any], start: str) -> None:
    _say(
        out,
        f"{start}{item['agency']} asked the council about a client of yours, was told that",
        "    it is your organisation, and sent nothing to compare. Ask it why: patchwork-node",
        "    review shows about whom, and on which lawful basis.",
    )


def _print_recall(out: Console, item: dict[str, Any], start: str) -> None:
    by = "Your organisation" if item["said_by_us"] else item["agency"]
    _say(out, f"{start}{by} said that it was the wrong person.")
    if item["we_asked"]:
        _say(
            out,
            "    You held the card. This node has deleted it; what was read or copied",
            "    from it stays with whoever did so.",
        )
    elif item["recalled_at"] is None:
        _say(out, f"    {item['agency']} holds the card and has not said yet that it is gone.")
    else:
        _say(
            out,
            f"    {item['agency']} states that its node deleted the card. That is its",
            "    word, not a proof; somebody may have read or copied it.",
        )


def _print_withdrawn(out: Console, item: dict[str, Any], start: str) -> None:
    _say(
        out,
        f"{start}{item['agency']} holds a card that you released on a basis which asks for no",
        "    consent, and the permission was withdrawn since. Somebody here decides whether it",
        f"    stays: patchwork-node recall {item['request_id']}, or the same with --keep.",
    )


def _print_unwitnessed(out: Console, item: dict[str, Any], start: str) -> None:
    if item["we_asked"]:
        _say(out, f"{start}a card came from {item['agency']} before witnesses had signed.")
    else:
        who = item["practitioner"] or "somebody here"
        _say(out, f"{start}{who} let a card go to {item['agency']} before witnesses had signed.")
    _say(
        out,
        "    Was a life in danger? Look at it with the other organisation. When the",
        "    witnesses are back this node looks it up in the log, and an alarm says if it",
        "    is not there.",
    )


ALERTS = {
    "questions_held": _print_held,
    "identity_unsent": _print_unsent,
    "wrong_person": _print_recall,
    "unwitnessed": _print_unwitnessed,
    "card_after_withdrawal": _print_withdrawn,
}


def _say(out: Console, *lines: str) -> None:
    for line in lines:
        out.print(Text(plain(line)))
