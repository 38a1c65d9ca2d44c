"""What the inbox prints: requests to us and by us, and the cards that came back."""

from typing import Any

from rich.console import Console
from rich.text import Text

from node.cli.printing import day_of, plain, print_alarms


def print_inbox(out: Console, value: dict[str, list[dict[str, Any]]]) -> None:
    """Requests to us and by us, after any alarm."""
    print_alarms(out, value["alarms"])
    if value["governance"]:
        count = len(value["governance"])
        _say(
            out,
            f"{count} card(s) recalled, to decide about, or without witnesses: your lead for "
            "information governance must look at patchwork-node alerts.",
            style="bold",
        )
    for item in value["attention"]:
        _print_attention(out, item)
    for item in value["raised"]:
        what = f"{plain(item['title'])}; {item['state_text']}"
        _say(out, f"You raised attention about {item['client']}: {what}.")
    _say(out, "Requests to you:" if value["received"] else "No requests to you.", style="bold")
    for item in value["received"]:
        _print_received(out, item)
    _say(out, "Your requests:" if value["sent"] else "You have asked for nothing.", style="bold")
    for item in value["sent"]:
        to = plain(item["agency"])
        _say(out, f"{item['request_id']}  about {item['client']}, to {to}: {item['state_text']}.")
        if item["sentence"]:
            _say(out, f"    {item['sentence']}")
        if item["card"]:
            print_card(out, item["card"], item["keep_until"])


def _print_attention(out: Console, item: dict[str, Any]) -> None:
    """What another agency raised about a client of ours."""
    who = f"{plain(item['agency'])} ({plain(', '.join(item['works']))})"
    _say(
        out,
        f"ATTENTION {item['attention']}  about {item['client']}: {plain(item['title'])}.",
        "bold",
    )
    _say(out, f"    Raised by a {item['role']} of {who} on {day_of(item['raised_at'])}.")
    _say(out, f"    Their duty line is {item['duty_line']} ({plain(item['duty_hours'])}).")
    _say(out, f"    Seen to? patchwork-node seen-attention {item['attention']}")


def _print_received(out: Console, item: dict[str, Any]) -> None:
    """A request that came to us, and what can be done about it now."""
    _say(
        out,
        f"{item['request_id']}  about {item['client']}: {item['practitioner']} "
        f"({item['role']}) of {item['agency']} asks for contact details.",
    )
    _say(out, f"    Purpose: {item['purpose']}. Lawful basis: {item['basis']}.")
    for name, fact in item["facts"].items():
        _say(out, f"    {name}: {plain(fact)}")
    if item["needed_by"]:
        _say(out, f"    Needed by {day_of(item['needed_by'])}.")
    _say(out, f"    State: {item['state_text']}.")
    if item["override"]:
        _say(out, "    The client objects. Whoever allows this all the same says why, with")
        _say(
            out,
            f"    --override, in which role, with --role: {', '.join(item['override']['roles'])}",
        )
        for code, title in item["override"]["reasons"].items():
            _say(out, f"        {code}: {plain(title)}")
    if item["recall_or_keep"]:
        _say(out, "    The permission was withdrawn, and this card was released on a basis that")
        _say(out, "    asks for no consent. Somebody here decides whether it stays:")
        _say(out, f"    patchwork-node recall {item['request_id']}, or the same with --keep")
    if item["may_go_now"]:
        _say(out, "    Witnesses have not signed yet. If a life is in danger now:")
        _say(out, f"    patchwork-node release-now {item['request_id']}")


def print_card(out: Console, card: dict[str, Any], keep_until: int | None) -> None:
    """A contact card, and until when it may be kept."""
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
    for field, title in {"last_contact": "Last contact", "next_visit": "Next visit"}.items():
        if card.get(field):
            _say(out, f"    {title}: {day_of(card[field])}")
    if keep_until:
        _say(out, f"    To be kept until {day_of(keep_until)}; it is deleted here then.")


def _say(out: Console, text: str, style: str = "") -> None:
    """Print text as it is: what looks like markup in a name is a name."""
    out.print(Text(plain(text), style=style))
