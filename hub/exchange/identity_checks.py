"""Identity checks: request -> decision -> sealed check -> answer (specs/06-requests.md §6).

The asker does not know the other side of an open link. The hub names it only in a decision that
does not refuse; names, birth dates and postcodes pass sealed. Each handler is one transaction.
"""

from hub.exchange.requests import DAY, Answer, Parts, check_sealed, decided_as, link_fact
from hub.log.ledger import Ledger
from hub.matching.candidates import Tokens
from hub.matching.notices import evidence_for
from hub.store.links import Link, Links, LinkState
from hub.store.stubs import Stub
from hub.store.tables import HubTables, Post
from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.score import score_pair
from protocol.messages.parts import DecisionFacts, LinkEvidence
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
)
from protocol.messages.statement import Statement
from protocol.requests.decide import IdentityFacts, Refuse, decide_identity, identity_pins
from protocol.requests.review import Answer as Opinion
from protocol.requests.review import Said
from storage.engine import Row


class IdentityChecks:
    """The part of the hub that brokers identity checks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def request(
        self, tables: HubTables, statement: Statement[IdentityRequestBody], _parts: Parts
    ) -> Answer:
        """Log a request, decide, log that too, and put the decision into the asker's mailbox."""
        body, preamble = statement.body, statement.preamble
        self._check_pins(statement)
        if _row(tables, body.check_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "check_id was used before")
        facts, pinned, holder = self._facts(tables, statement)
        decision = decide_identity(self._ledger.charter, body, preamble.iat, facts)
        logged = self._ledger.append(tables, statement)
        refusal = decision if isinstance(decision, Refuse) else None
        evidence = None if refusal else self._evidence(tables, body, preamble.sender)
        decided = IdentityDecisionBody(
            request=statement.id,
            check_id=body.check_id,
            outcome=decided_as(decision),
            code=refusal.code.value if refusal else None,
            field=refusal.field if refusal else None,
            holder=None if refusal else holder,
            evidence=evidence,
            facts=identity_pins(decision, pinned),
        )
        issued, place = self._ledger.issue(tables, decided, preamble.sender)
        tables.tx.insert(
            "identity_check",
            {
                "check_id": body.check_id,
                "requester": preamble.sender,
                "holder": decided.holder,
                "link_id": body.link_id,
                "expires": body.expires,
                "iat": preamble.iat,
                "request": statement.id,
                "decision": issued.id,
                "outcome": decided.outcome,
            },
        )
        tables.post([Post(preamble.sender, issued.envelope.encode(), place)])
        return Answer(logged)

    def check(
        self, tables: HubTables, statement: Statement[IdentityCheckBody], parts: Parts
    ) -> Answer:
        """Forward the sealed details, behind the request and the decision that let them leave."""
        body, preamble = statement.body, statement.preamble
        check_sealed(body.sealed_hash, parts.sealed)
        if parts.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "an identity check carries a proof")
        row = self._open(tables, body.check_id)
        if row["requester"] != preamble.sender or row["decision"] != body.decision:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such decision")
        if row["sent"]:
            raise RemoteError(ErrorCode.CONFLICT, "one check goes with one decision")
        if preamble.aud != row["holder"]:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "the decision names another agency")
        self._check_link(tables, row)
        logged = self._ledger.append(tables, statement)
        _set(tables, body.check_id, "sent", statement.id)
        earlier = [_posted(tables, preamble.aud, row[name]) for name in ("request", "decision")]
        envelope = statement.envelope.encode()
        tables.post([*earlier, Post(preamble.aud, envelope, logged, parts.sealed, parts.proof)])
        return Answer(logged)

    def answer(
        self, tables: HubTables, statement: Statement[IdentityAnswerBody], _parts: Parts
    ) -> Answer:
        """Log what the holder's person found; "same" and "not the same" are its verdict too."""
        body, preamble = statement.body, statement.preamble
        row = self._open(tables, body.check_id)
        if row["holder"] != preamble.sender or row["sent"] != body.check:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such check")
        if preamble.aud != row["requester"] or row["answer"]:
            raise RemoteError(ErrorCode.CONFLICT, "answer is doubled or to somebody else")
        if body.answer != "refused" and body.decided_by is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "a person must compare the two records")
        link = self._check_link(tables, row)
        logged = self._ledger.append(tables, statement)
        _set(tables, body.check_id, "answer", body.answer)
        if body.answer in {"same", "not_same"}:
            links = tables.links
            opinion = Opinion(Said(body.answer), links.question(link))
            links.put_answer(link, preamble.sender, opinion, statement.id)
        tables.post([Post(preamble.aud, statement.envelope.encode(), logged)])
        return Answer(logged)

    def _facts(
        self, tables: HubTables, statement: Statement[IdentityRequestBody]
    ) -> tuple[IdentityFacts, DecisionFacts, str | None]:
        body, preamble = statement.body, statement.preamble
        directory, links = self._ledger.directory, tables.links
        row = _told_link(links, body.link_id)
        link = link_fact(row) if row else None
        end = link.other_end(preamble.sender, body.stub_id) if link else None
        own = _stub(tables, (preamble.sender, body.stub_id))
        other = _stub(tables, end)
        requester = directory.member(preamble.sender)
        holder = directory.member(end[0]) if end else None
        midnight = preamble.iat - preamble.iat % DAY
        said = links.answers(body.link_id).values()
        facts = IdentityFacts(
            requester_id=preamble.sender,
            requester=requester.body if requester else None,
            holder=holder.body if holder else None,
            link=link,
            doubted=any(opinion.said is Said.NOT_SAME for opinion in said),
            involvements=other.involvements if other else (),
            own_involvements=own.involvements if own else (),
            checks_today=_since(tables, preamble.sender, midnight),
        )
        pinned = DecisionFacts(
            charter=directory.charter_at(None).statement_id,
            requester_membership=requester.statement_id if requester else None,
            holder_membership=holder.statement_id if holder else None,
            round=row.round_id if row and end else None,
            requester_publication=own.publication if own else None,
            holder_publication=other.publication if other else None,
        )
        return facts, pinned, end[0] if end else None

    def _evidence(
        self, tables: HubTables, body: IdentityRequestBody, sender: str
    ) -> LinkEvidence | None:
        """An agreeing type for the asker, so that only who holds the same value can open."""
        link = _told_link(tables.links, body.link_id)
        if link is None or link.end(sender, body.stub_id) is None:
            return None
        charter = self._ledger.charter
        own: Tokens = tables.stubs.tokens(body.stub_id)
        other: Tokens = tables.stubs.tokens(link.across(body.stub_id).stub_id)
        score = score_pair(charter.policy, own, other)
        found = evidence_for(charter.policy, score, own, other)
        if found is None:
            return None
        return LinkEvidence(match_key_id=found[0], epoch=charter.token_key.epoch, ordinal=found[1])

    def _check_pins(self, statement: Statement[IdentityRequestBody]) -> None:
        directory, pins = self._ledger.directory, statement.body.pins
        requester = directory.member(statement.preamble.sender)
        if requester is None or pins.requester_membership != requester.statement_id:
            raise RemoteError(ErrorCode.CONFLICT, "pins name another membership; sync, ask again")
        if pins.charter != directory.charter_at(None).statement_id:
            raise RemoteError(ErrorCode.WRONG_CHARTER, "pins name another charter version")

    def _open(self, tables: HubTables, check_id: str) -> Row:
        row = _row(tables, check_id)
        if row is None or row["outcome"] == "refuse":
            raise RemoteError(ErrorCode.NOT_FOUND, "no open identity check of that id")
        if row["expires"] <= self._ledger.env.clock():
            raise RemoteError(ErrorCode.TOO_LATE, "the identity check has expired")
        return row

    def _check_link(self, tables: HubTables, row: Row) -> Link:
        link = _told_link(tables.links, row["link_id"])
        if link is None or link.state is LinkState.ENDED:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the link has ended")
        return link


def _row(tables: HubTables, check_id: str) -> Row | None:
    return tables.tx.one("SELECT * FROM identity_check WHERE check_id = ?", check_id)


def _set(tables: HubTables, check_id: str, field: str, value: str) -> None:
    tables.tx.update("identity_check", {field: value}, {"check_id": check_id})


def _since(tables: HubTables, requester: str, since: int) -> int:
    sql = "SELECT COUNT(*) AS n FROM identity_check WHERE requester = ? AND iat >= ?"
    row = tables.tx.one(sql, requester, since)
    return int(row["n"]) if row else 0


def _stub(tables: HubTables, end: tuple[str, str] | None) -> Stub | None:
    stub = tables.stubs.stub(end[1]) if end else None
    return stub if stub is not None and end is not None and stub.agency == end[0] else None


def _posted(tables: HubTables, agency: str, statement_id: str) -> Post:
    """A logged statement once more, for somebody who must check it."""
    logged = tables.logged(statement_id)
    row = tables.tx.one(
        "SELECT envelope FROM payload WHERE idx = ?", logged.index if logged else -1
    )
    if logged is None or row is None:
        raise RemoteError(ErrorCode.NOT_FOUND, "the statement is no longer at hand")
    return Post(agency, row["envelope"], logged)


def _told_link(links: Links, link_id: str) -> Link | None:
    """A link that both sides have been told of; any other is as if it were not there.

    Otherwise a check carries a name to a side that must not hear of the link (04-matching §7.3).
    """
    link = links.link(link_id)
    if link is None:
        return None
    said = links.answers(link_id)  # who answered was told, though the answer may have hidden it
    told = (end.notice is not None or end.agency in said for end in link.ends)
    return link if all(told) else None
