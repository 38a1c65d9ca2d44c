"""What the inbox prints: requests to us and by us, and the cards that came back."""

from typing import Any

from rich.console import Console
from rich.text import Text

from node.cli.printing import day_of, plain, print_alarms
from protocol.counted import counted


def print_inbox(out: Console, value: dict[str, list[dict[str, Any]]]) -> None:
    """Requests to us and by us, after any alarm."""
    print_alarms(out, value["alarms"])
    if value["governance"]:
        count = len(value["governance"])
        _say(
            out,
            f"{counted(count, 'card')} recalled, to decide about, or without witnesses: your lead "
            "for information governance must look at patchwork-node alerts.",
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
    for item in value["introduced"]:
        _say(
            out,
            f"{item['agency']} ({item['role']}) was told that you work with {item['client']}: "
            "your client agreed to that there and here.",
        )
        _say(out, f"    Purpose: {item['purpose']}. Lawful basis: {item['basis']}.")
    _say(out, "Your requests:" if value["sent"] else "You have asked for nothing.", style="bold")
    for item in value["sent"]:
        _print_sent(out, item)


def _print_sent(out: Console, item: dict[str, Any]) -> None:
    """A request of ours, and what came of it."""
    to = plain(item["agency"])
    _say(out, f"{item['request_id']}  about {item['client']}, to {to}: {item['state_text']}.")
    _print_clock(out, item["clock"])
    if item["sentence"]:
        _say(out, f"    {item['sentence']}")
    if item["reason"]:
        _print_reason(out, "They wrote why", item["reason"])
    if item["reason_closed"]:
        _say(out, "    They wrote why, and it cannot be read here: call their duty line.")
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
    _print_whose(out, item)
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


def _print_clock(out: Console, clock: dict[str, Any] | None) -> None:
    """Who has a request until when; in bold what the hub has said is overdue."""
    if clock is not None and clock["says"]:
        says = clock["says"]
        _say(out, f"    {says[:1].upper()}{says[1:]}.", style="bold" if clock["overdue"] else "")


def _print_whose(out: Console, item: dict[str, Any]) -> None:
    """Who has a request that waits, and what was written about it here."""
    held = item["with"]
    if held:
        _print_with(out, held)
    if held is None or held["until"] is None:  # else the time of the step says it
        _print_clock(out, item["clock"])
    if item["reason"]:
        by = item["answered_by"] or "somebody here"
        kept = ", kept until it is answered" if held else ""
        _print_reason(out, f"Written by {plain(by)}{kept}", item["reason"])


def _print_with(out: Console, item: dict[str, Any]) -> None:
    """Who has a request now, and until when."""
    names = plain(", ".join(item["people"])) or "nobody: see patchwork-node people add"
    passed = f", passed on by {plain(item['passed_by'])}" if item["passed_by"] else ""
    step = {"duty": " (on duty)", "manager": " (manager)"}.get(item["step"] or "", "")
    until = f", until {item['until_text']}" if item["until_text"] else ""
    _say(out, f"    With {names}{step}{passed}{until}.")


def _print_reason(out: Console, title: str, text: str) -> None:
    """A reason in writing, line by line."""
    _say(out, f"    {title}:")
    for line in text.split("\n"):
        _say(out, f"        {line}")


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
    days = {"since": "Since", "last_contact": "Last contact", "next_visit": "Next visit"}
    for field, title in days.items():
        if card.get(field):
            _say(out, f"    {title}: {day_of(card[field])}")
    if keep_until:
        _say(out, f"    To be kept until {day_of(keep_until)}; it is deleted here then.")


def _say(out: Console, text: str, style: str = "") -> None:
    """Print text as it is: what looks like markup in a name is a name."""
    out.print(Text(plain(text), style=style))
