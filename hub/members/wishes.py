"""Whom members ask the operator to invite: specs/06-requests.md §14.

Read from the log, where it lives and is erased; nothing is kept beside it.
"""

from dataclasses import dataclass

from hub.store.tables import HubTables
from protocol.messages.attention import InviteBody
from protocol.messages.statement import Statement, parse_statement


@dataclass(frozen=True)
class Wish:
    """An organisation that is no member yet, its telephones as members gave them, which members
    asked for it, and since when (Unix seconds).
    """

    name: str
    member_class: str
    duty_lines: tuple[str, ...]
    asked_by: tuple[str, ...]
    since: int


def wishes(tables: HubTables) -> list[Wish]:
    """Organisations that members ask for, each once, those first that most of them ask for."""
    directory = tables.directory.current()
    here = {
        _folded(one.name)
        for one in directory.bodies()
        if directory.active(one.party_id) is not None
    }
    groups: dict[tuple[str, str], list[Statement[InviteBody]]] = {}
    for payload in tables.log.of_kinds(["invite"]):
        asked = parse_statement(payload.envelope).expect(InviteBody)
        name = _folded(asked.body.name)
        if name not in here:
            groups.setdefault((name, asked.body.member_class), []).append(asked)
    found = []
    for group in groups.values():
        senders = {one.preamble.sender for one in group}
        members = (directory.member(sender) for sender in senders)
        found.append(
            Wish(
                name=group[0].body.name,
                member_class=group[0].body.member_class,
                duty_lines=tuple(dict.fromkeys(one.body.duty_line for one in group)),
                asked_by=tuple(sorted(one.body.name for one in members if one)),
                since=min(one.preamble.iat for one in group),
            )
        )
    return sorted(found, key=lambda wish: (-len(wish.asked_by), wish.since, wish.name))


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
