"""What the node's commands print: plain English, from the values that views gather.

Shows client data to the agency's own people on their own screen; nothing here is logged.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from node.links.team import Team, Unpublished
from node.publishing.limits import waiting_words
from node.publishing.publisher import Published
from node.records.duplicates import Duplicate
from node.views.review import ANSWERS, FIELDS
from protocol.counted import counted
from protocol.governance.charter import LawfulBasis

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
    Unpublished.NOT_IN_CHARTER: (
        "This client is not published, so nobody can find you and you find nobody: the lawful "
        "basis or the kind of work in your record is not one that the sharing agreement has in "
        "force (patchwork-node charter show --json). Correct the record or the mapping, import "
        "again, then run patchwork-node publish."
    ),
    Unpublished.HELD: (
        "This client is held back, so nobody can find you and you find nobody: it may be somebody "
        "whom you know under another id. Say who it is: patchwork-node held."
    ),
    Unpublished.WITHHELD: (
        "This client is withheld by two of your people, so nobody can find you and you find "
        "nobody: patchwork-node withhold list."
    ),
    Unpublished.NOT_YET: (
        "This client is not published yet, so nobody can find you and you find nobody. Run "
        "patchwork-node publish; if it stays so, several of your records share what would tell "
        "them apart: see patchwork-node duplicates."
    ),
}
# What is said of each thing that was lost with a folder, and of the list under it.
LOST = {
    "withdrawn": ("client", "marked as withdrawn, because they were withdrawn since the backup:"),
    "shortened": ("client", "with a permission that ends sooner than the backup says:"),
    "unknown_clients": ("client", "published since and not here: import them again."),
    "asked": ("request", "sent since: ask again for what you still need."),
    "cards": ("card", "that came since and got lost: ask again, or use the duty line."),
    "recalled": ("card", "recalled since, and deleted here too."),
    "unreadable": ("request", "that came since and cannot be read any more. Call who asked:"),
    "ours": ("entry", "of the log in your name that this node did not know. Did you make it?"),
}
LOST_ITEMS = {
    "unreadable": "{agency}: {request_id}",
    "ours": "entry {index}: {kind}, {when}",
}
TELLS_THEM = (
    "The organisation at the other end is told at once that yours asks, about which of its",
    "clients, in which role and why: also if nothing is sent to it afterwards. You are told which",
    "organisation it is and one kind of detail that agrees. Your organisation has {} of these",
    "a day; each is in the council's log and in the auditor's figures.",
)
WITHOUT_WITNESSES = (
    "Too few witnesses have signed the council's log. If the card leaves now, nobody outside the",
    "council can see that it does, nor that the others may still take it, until they are back.",
    "Have you tried the duty line?",
)


def print_status(out: Console, value: dict[str, Any]) -> None:
    """How many clients of each service have what lets them be found, and how old feeds are."""
    columns = ("Service", "Clients", "NHS number", "Birth date", "Postcode", "Permission")
    table = Table(*columns)
    for one in value["services"]:
        shares = (
            f"{one[name]} ({100 * one[name] // one['clients']}%)"
            for name in (
                "with_nhs_number",
                "with_date_of_birth",
                "with_postcode",
                "with_permission",
            )
        )
        table.add_row(one["type"], str(one["clients"]), *shares)
    out.print(table if value["services"] else "Nobody is on your books.")
    if value["unconfirmed"]:
        _say(
            out,
            f"{counted(value['unconfirmed'], 'piece')} of work that nobody has confirmed for long: "
            "patchwork-node clients unconfirmed.",
        )
    if value["withheld_due"]:
        out.print(f"{value['withheld_due']} withheld to look at now: patchwork-node withhold list.")
    for feed in value["feeds"]:
        days = feed["age"] // 86_400
        age = "today" if not days else "yesterday" if days == 1 else f"{days} days ago"
        said = f"{counted(feed['rows'], 'row')}."
        if feed["stopped"]:
            said = "not all of it is in yet. If it is not being imported now, import it again."
        _say(out, plain(f"{feed['title'] or 'A file without a title'}: {age}, {said}"))


def print_family(out: Console, teams: Sequence[tuple[str, str, Team]]) -> None:
    """A client's team, and those of relatives below it."""
    for local_id, relation, team in teams:
        if relation:
            _say(out, "")
            _say(out, plain(relation.capitalize() + ":"))
        print_team(out, local_id, team)


def print_team(out: Console, local_id: str, team: Team) -> None:
    """The team around a client, each with a reference and a duty line; and somebody to call."""
    _say(out, f"The team around {local_id}", style="bold")
    _say(out, "You: " + (", ".join(team.own) or "no involvement that may be shared"))
    if team.unpublished is not None:
        _say(out, NOT_FINDABLE[team.unpublished])
    _print_others(out, team)
    _print_services(out, local_id, team)
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


def _print_others(out: Console, team: Team) -> None:
    """Who was found; where nobody was, whether anybody has looked yet."""
    if team.others:
        table = Table(
            Column("Reference", no_wrap=True), "Who", "Organisation", "Duty line", "Hours"
        )
        for member in team.others:
            table.add_row(
                *(
                    Text(plain(text))
                    for text in (
                        member.reference,
                        member.label,
                        member.agency,
                        member.duty_line,
                        member.duty_hours,
                    )
                )
            )
        out.print(table)
    elif team.compared:
        _say(out, "No match was found. That does not mean that nobody else works with them.")
        _print_publishers(out, team)
    if team.published and not team.compared:
        known = team.others or team.possible
        what = "What you published last is not compared yet" if known else "Not compared yet"
        _say(out, f"{what}; {_next_round(team)}.")


def _print_services(out: Console, local_id: str, team: Team) -> None:
    """Sensitive services that can be reached, not named until somebody asks; and the duty desk."""
    for one in team.services:
        _say(out, f"A service of this kind works with them too: {plain(one.kind)}.")
        command = f"patchwork-node introduce {local_id} {one.reference}"
        if one.state == "asking":
            _say(out, "    You asked to be introduced; the hub is deciding.")
        elif one.state == "named":
            _say(out, "    It was named to you: ask for its contact details by its reference.")
        else:
            _say(out, f"    It is told who you are when you ask: {command}.")
        if one.sentence:
            _say(out, f"    {one.sentence}")
    if team.desk_hints:
        desk = team.duty_desk
        _say(
            out,
            "A service that is not named works with them too. The duty desk can put you in touch: "
            f"{desk.name}, {desk.phone}. Say this to them: {', '.join(team.desk_hints)}.",
        )


def _print_publishers(out: Console, team: Team) -> None:
    """Who was looked through, and how fresh that is."""
    for one in team.publishers:
        if one.figures is None or one.said_at is None:
            _say(out, f"    {plain(one.agency)}: has not said yet how much it publishes.")
            continue
        clients, age = one.figures.clients, one.figures.feed_age_days
        many = f"{clients} clients or a few more" if clients else "fewer than 10 clients"
        fresh = "kept by hand" if age is None else f"newest file {_days_ago(age)}"
        said = f"{datetime.fromtimestamp(one.said_at).astimezone():%-d %B %Y}"
        _say(out, f"    {plain(one.agency)}: {many}, {fresh} (as of {said}).")


def _days_ago(days: int) -> str:
    if days > 365:
        return "more than a year old"
    return "of that day" if not days else counted(days, "day") + " old"


def _next_round(team: Team) -> str:
    if team.next_round is None:
        return "the hub has not said yet when its next round is: patchwork-node serve asks it"
    at = f"{datetime.fromtimestamp(team.next_round).astimezone():%H:%M %Z on %-d %B %Y}"
    return f"the next round was due at {at}" if team.overdue else f"next round at {at}"


def print_published(out: Console, report: Published) -> None:
    """What a publication did."""
    if report.held:
        _say(out, waiting_words(report.held))
    _say(
        out,
        f"{counted(report.changed, 'client')} published or changed, {report.unchanged} unchanged, "
        f"{report.retired} withdrawn.",
    )
    _say(
        out,
        f"Not published, without a permission in force: {report.without_permission}. "
        f"{counted(report.evaluated, 'token was', 'tokens were')} evaluated by the key holders.",
    )
    if report.insufficient_identifiers:
        _say(
            out,
            f"{counted(len(report.insufficient_identifiers), 'client has', 'clients have')} too "
            "little to be found "
            "(no NHS number, and no name beside a birth date or an address): use the duty lines.",
        )


def print_alarms(out: Console, alarms: list[dict[str, Any]]) -> None:
    """One line for each alarm, before anything else."""
    for alarm in alarms:
        style = "bold red" if alarm["severity"] == "proof" else "bold"
        where = alarm["about"] or alarm["place"]
        place = f" ({where})" if where else ""
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


def print_resync(out: Console, value: dict[str, Any] | None) -> None:
    """What was lost with a folder, and what was done in this agency's name since its backup."""
    if value is None:
        _say(out, "This node has never come back from a backup.")
        return
    if not value["done"]:
        _say(out, "The running patchwork-node serve is asking. Nothing is shown until it is done.")
        return
    for key, (what, words) in LOST.items():
        lost = value[key]
        count = lost if isinstance(lost, int) else len(lost)
        if not count:
            continue
        _say(out, f"{counted(count, what)} {words}")
        for item in [] if isinstance(lost, int) else lost:
            _say(out, "  " + (item if isinstance(item, str) else LOST_ITEMS[key].format(**item)))
    if not value["ours"]:
        _say(out, "Nothing was sent in your name that this node does not know.")


def basis_line(basis: LawfulBasis) -> str:
    """A lawful basis, to choose."""
    return f"{basis.title} ({basis.code}, {basis.source})"


def print_queue(out: Console, value: dict[str, Any]) -> None:
    """The review queue, checks to answer, and our own checks."""
    _say(out, "Links that wait for you:" if value["queue"] else "No link waits for you.", "bold")
    for item in value["queue"]:
        _say(out, f"{item['link_id']}  about {item['client']}: {item['text']}")
        if item["problem"]:
            _say(out, f"    Your last answer was not taken: {item['problem']}")
    for item in value["to_compare"]:
        _print_comparison(out, item)
    for item in value["asked"]:
        _print_asked(out, item)
    _print_checks(out, value["checks"])


def _print_checks(out: Console, checks: list[dict[str, Any]]) -> None:
    if checks:
        _say(out, "Your identity checks:", "bold")
    for item in checks:
        to = f", to {plain(item['agency'])}" if item["agency"] else ""
        _say(out, f"{item['check_id']}  link {item['link_id']}{to}: {item['state_text']}.")
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
        agree = counted(len(item.agreeing), "kind of detail agrees", "kinds of detail agree")
        _say(out, f"{item.first} and {item.second}: {agree}")


def _print_asked(out: Console, item: dict[str, Any]) -> None:
    _say(out, f"{item['agency']} ({item['role']}) asked about {item['client']}.", "bold")
    _say(out, f"    {day_of(item['asked_at'])}. Purpose: {item['purpose']}. {item['basis']}.")
    came = "came" if item["over"] else "have come so far"
    _say(
        out,
        f"    The council told it that your organisation perhaps knows them. No details {came}.",
    )


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


def day_of(time: int) -> str:
    """The day of a time (Unix seconds), in words."""
    return f"{datetime.fromtimestamp(time).astimezone():%-d %B %Y}"


def _say(out: Console, text: str, style: str = "") -> None:
    """Print text as it is: what looks like markup in a name is a name."""
    out.print(Text(plain(text), style=style))
