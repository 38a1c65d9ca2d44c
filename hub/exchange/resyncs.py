"""A member that came back from a backup learns what it missed: specs/05-log.md §16.

What names it in the log is given again, to be checked there, and what it is to know of its links.
Mail that it had acknowledged is gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.log.ledger import Ledger
from hub.matching.alerting import Alerting
from hub.matching.telling import Telling
from hub.store.log import Logged
from protocol.fields import WireModel, to_base64
from protocol.messages.clock import OverdueBody
from protocol.messages.kinds import Party, kinds_that
from protocol.messages.log import ResyncBody
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.daily import named
from protocol.wire import ExportRecord, encode_wire

# What a member is told by its journal, and what the hub tells it in the log beside that.
_GIVEN = kinds_that(
    lambda kind: (
        kind.in_senders_journal
        or kind.sender is Party.KEY_HOLDER
        or (kind.is_erasable and (kind.sender, kind.recipient) == (Party.HUB, Party.MEMBER))
    )
)


@dataclass(frozen=True)
class Span:
    """The entries in [start, end) that name an agency, which asked at the index `question`."""

    agency: str
    question: int
    start: int
    end: int


def begin(ledger: Ledger, statement: Statement[ResyncBody]) -> Logged:
    """Log that an agency asks, and let it read its mail on from an earlier place."""
    ledger.tables.mailboxes.forget_acknowledged(statement.preamble.sender)
    return ledger.append(statement)


def records(ledger: Ledger, span: Span) -> list[bytes]:
    """The entries of a span whose payload still lives, each as a record, evidence behind it."""
    found, tables = [], ledger.tables
    salts = {item.index: item.salt for item in tables.log.payloads(span.start, span.end)}
    for entry in tables.log.journal(span.start, span.end, _GIVEN):
        statement = parse_statement(entry.envelope)
        if span.agency not in _told(ledger, statement, refused=entry.refused):
            continue
        parts = tables.log.evidence(entry.index, entry.index + 1).get(entry.index, [])
        if entry.index == span.question:
            parts = _links(ledger, span.agency)
        record = ExportRecord(
            index=entry.index,
            salt=salts[entry.index].hex(),
            envelope=to_base64(entry.envelope),
            evidence=len(parts),
        )
        found += [encode_wire(record), *parts]
    return found


def _told(ledger: Ledger, statement: Statement[WireModel], *, refused: bool) -> Iterable[str]:
    """Who is told of an entry: both sides that a request is overdue."""
    preamble, body = statement.preamble, statement.body
    if isinstance(body, OverdueBody):
        request = ledger.tables.requests.get(body.request_id)
        return request.parties if request is not None else [preamble.aud]
    if statement.kind.sender is Party.KEY_HOLDER:
        return [preamble.sender]
    by_hub = statement.kind.sender is Party.HUB
    return [preamble.aud] if by_hub else named(statement, refused=refused)


def _links(ledger: Ledger, agency: str) -> list[bytes]:
    """What an agency is to know of its links and is asked of them, and what attention was raised
    over them, as signed statements.
    """
    rounds: dict[str, Telling] = {}
    for link in ledger.tables.links.told(agency):
        rounds.setdefault(link.round_id, Telling(ledger)).tell_again(link, agency)
    links = [post for name, one in sorted(rounds.items()) for post in one.posts(name)]
    return [post.envelope for post in (*links, *Alerting(ledger).tell_again(agency))]
