"""Enquiries about people who are no clients: decided and logged before any stub may say so.

specs/06-requests.md §11. The hub sees which agency asks, who in it by an opaque id, on what basis
and for which stub; never about whom.
"""

from hub.exchange.handlers import Answer, Parts, decided_as, midnight_before
from hub.log.ledger import Ledger
from hub.store.enquiries import Enquiry
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.enquiries import EnquiryBody
from protocol.messages.statement import Statement
from protocol.requests.enquiries import EnquiryFacts, decide_enquiry, decision_body


class Enquiring:
    """The part of the hub that decides on enquiries."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def enquiry(self, statement: Statement[EnquiryBody], _parts: Parts) -> Answer:
        """Log an enquiry, decide, log that too, and answer with it."""
        ledger, body, preamble = self._ledger, statement.body, statement.preamble
        store, charter = ledger.tables.enquiries, ledger.charter
        if charter.enquiry is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the charter knows no enquiries")
        if store.get(body.enquiry_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "enquiry_id was used before")
        member = ledger.directory.active(preamble.sender)
        since = midnight_before(preamble.iat)
        own, every = store.count_since(preamble.sender, body.practitioner.id, since)
        facts = EnquiryFacts(member.body if member else None, own, every)
        decision = decide_enquiry(charter, body, preamble.iat, facts)
        logged = ledger.append(statement)
        issued, _ = ledger.issue(decision_body(statement, decision), preamble.sender)
        store.add(
            Enquiry(
                enquiry_id=body.enquiry_id,
                agency=preamble.sender,
                practitioner=body.practitioner.id,
                stub_id=body.stub_id,
                until=body.until,
                iat=preamble.iat,
                statement=statement.id,
                decision=issued.id,
                outcome=decided_as(decision),
            )
        )
        return Answer(logged, issued)
