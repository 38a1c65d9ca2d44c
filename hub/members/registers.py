"""What members are, for the operator and for the public: nothing here is about a client."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.members.small_numbers import FEW
from hub.store.tables import HubTables
from protocol.governance.acceptance import unaccepted
from protocol.governance.directory import Member

DAY = 86_400
SILENT_SECONDS = 3 * DAY
"""A node that runs asks for its mail every minute, and answers a statement every day."""
_HEARD = ("statement_answer", "figures", "publication", "request", "charter_accept")


class Standing(StrEnum):
    """How a member stands: active and heard of, or not heard of for days; suspended; revoked."""

    ACTIVE = "active"
    SILENT = "silent"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True)
class MemberRow:
    """A member: when it was heard of last (Unix seconds; None: never), with which version of the
    program (empty: not said), which charter it signed, whether it is bound by the one in force, and
    an order that waits for it.
    """

    member: Member
    standing: Standing
    heard_at: int | None
    version: str
    signed: int | None
    is_bound: bool
    ordered: str | None

    @property
    def name(self) -> str:
        """Its name now."""
        return self.member.body.name


def members(tables: HubTables, now: int) -> list[MemberRow]:
    """All members, by name."""
    directory = tables.directory.current()
    rows = [
        _row(tables, member, now)
        for party_id in directory.members
        if (member := directory.member(party_id)) is not None
    ]
    return sorted(rows, key=lambda row: row.name.casefold())


def member_row(tables: HubTables, party_id: str, now: int) -> MemberRow | None:
    """One member."""
    member = tables.directory.current().member(party_id)
    return _row(tables, member, now) if member is not None else None


def _row(tables: HubTables, member: Member, now: int) -> MemberRow:
    directory, party_id = tables.directory.current(), member.body.party_id
    asked, logged = tables.office.heard_of(party_id), tables.log.last_of(party_id, _HEARD)
    heard = max(asked.at if asked else 0, logged or 0)
    standing = Standing(member.body.status)
    if standing is Standing.ACTIVE and max(heard, member.issued_at) + SILENT_SECONDS < now:
        standing = Standing.SILENT
    order = tables.members.order_of(party_id)
    bound = member.body.member_class == "auditor" or not unaccepted(directory, party_id)
    signed = directory.accepted.get(party_id)
    version, ordered = asked.version if asked else "", order.status if order else None
    return MemberRow(member, standing, heard or None, version, signed, bound, ordered)


def public_register(tables: HubTables) -> dict[str, Any]:
    """Who takes part, for anybody: what each signed, what it publishes as it said itself, and by
    whom it answers on which lawful basis; of fewer than five answers nothing is said.
    """
    directory = tables.directory.current()
    if not directory.charters:
        return {"charter": None, "bases": {}, "members": []}
    titles = {item.code: item.title for item in directory.charter.classes}
    answers = tables.take_up.answers()
    found = []
    for party_id in directory.members:
        member = directory.active(party_id)
        if member is None or member.body.member_class == "auditor":
            continue
        said = directory.figures.get(party_id)
        found.append(
            {
                "name": member.body.name,
                "class": member.body.member_class,
                "title": titles.get(member.body.member_class, member.body.member_class),
                "signed": directory.accepted.get(party_id),
                "bound": not unaccepted(directory, party_id),
                "publishes": said.body.model_dump() if said else None,
                "answers": _answers(answers, party_id),
            }
        )
    bases = {item.code: item.title for item in directory.charter.lawful_bases}
    found.sort(key=lambda one: str(one["name"]).casefold())
    return {"charter": directory.charter.version, "bases": bases, "members": found}


def _answers(
    answers: Mapping[tuple[str, str], tuple[int, int]], party_id: str
) -> dict[str, list[str]]:
    found = {}
    for (agency, basis), numbers in answers.items():
        by = [who for who, n in zip(("person", "rule"), numbers, strict=True) if n >= FEW]
        if agency == party_id and by:
            found[basis] = by
    return found
