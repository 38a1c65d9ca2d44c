"""What people say of links, and "wrong person": specs/06-requests.md §5 and §7.

Each handler works inside one transaction: it checks, logs and takes effect, or raises and changes
nothing. The hub sees which link and which answer; it never sees who the people are.
"""

from hub.exchange.requests import Answer, Parts
from hub.log.ledger import Ledger
from hub.store.links import Link, LinkEnd
from hub.store.tables import HubTables, Logged, Post
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.review import RecallDoneBody, VerdictBody, WrongPersonBody
from protocol.messages.statement import Statement
from protocol.requests.review import Answer as Opinion
from protocol.requests.review import Said

MAX_VERDICTS_A_DAY = 1000
DAY = 86_400


class Reviews:
    """The part of the hub that listens to people."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def verdict(
        self, tables: HubTables, statement: Statement[VerdictBody], _parts: Parts
    ) -> Answer:
        """Log what one side says of a link; the next round works out what follows."""
        body, sender = statement.body, statement.preamble.sender
        links = tables.links
        link = links.link(body.link_id)
        end = link.end(sender, body.stub_id) if link else None
        if link is None or end is None or not self._was_told(tables, link, end):
            raise RemoteError(ErrorCode.NOT_FOUND, "no such link of yours")
        now = links.question(link)
        moved = any(tables.stubs.is_marked(stub_id) for stub_id in link.pair)
        unseen = body.question is None and moved  # nobody was asked: what they saw may be gone
        if body.question != end.review or body.question not in {None, now} or unseen:
            raise RemoteError(ErrorCode.CONFLICT, "a record has changed since; look again")
        midnight = statement.preamble.iat - statement.preamble.iat % DAY
        if tables.count_entries(sender, "verdict", midnight) >= MAX_VERDICTS_A_DAY:
            raise RemoteError(ErrorCode.OVER_QUOTA, f"over {MAX_VERDICTS_A_DAY} verdicts a day")
        logged = self._ledger.append(tables, statement)
        opinion = Opinion(Said(body.answer), now)
        links.put_answer(link, sender, opinion, statement.id)
        return Answer(logged)

    def wrong_person(
        self, tables: HubTables, statement: Statement[WrongPersonBody], _parts: Parts
    ) -> Answer:
        """End a link at once, for both sides, after a card was released over it."""
        body, preamble = statement.body, statement.preamble
        row = tables.request(body.request_id)
        parties = {row["requester"], row["holder"]} if row else set()
        if row is None or preamble.sender not in parties or row["release"] != body.release:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such release")
        if {preamble.sender, preamble.aud} != parties:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud is not the other side")
        if row["wrong_person"]:
            raise RemoteError(ErrorCode.CONFLICT, "this was said before")
        logged = self._ledger.append(tables, statement)
        tables.set_request(body.request_id, "wrong_person", statement.id)
        self._end(tables, row["link_id"], statement.id)
        released = tables.logged(body.release)
        # A card that still lies in the mailbox is not delivered any more.
        tables.tx.run(
            "UPDATE mailbox SET sealed = NULL WHERE agency = ? AND idx = ?",
            row["requester"], released.index if released else None,
        )  # fmt: skip
        return self._forward(tables, statement, logged)

    def recall_done(
        self, tables: HubTables, statement: Statement[RecallDoneBody], _parts: Parts
    ) -> Answer:
        """Log the asker's word that its node deleted the card, and tell the holder."""
        body, preamble = statement.body, statement.preamble
        row = tables.request(body.request_id)
        said = row["wrong_person"] if row and row["requester"] == preamble.sender else None
        if row is None or said is None or said != body.wrong_person:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such recall")
        if preamble.aud != row["holder"] or row["recall_done"]:
            raise RemoteError(
                ErrorCode.CONFLICT, "recall_done was received before, or is to somebody else"
            )
        logged = self._ledger.append(tables, statement)
        tables.set_request(body.request_id, "recall_done", statement.id)
        return self._forward(tables, statement, logged)

    def _was_told(self, tables: HubTables, link: Link, end: LinkEnd) -> bool:
        """Whether this side ever saw the link: who did not must not learn that there is one."""
        return end.notice is not None or end.agency in tables.links.answers(link.link_id)

    def _end(self, tables: HubTables, link_id: str, statement_id: str) -> None:
        links = tables.links
        link = links.link(link_id)
        if link is None:
            return
        opinion = Opinion(Said.NOT_SAME, links.question(link))
        for end in link.ends:
            links.put_answer(link, end.agency, opinion, statement_id)
        links.end(link_id)

    def _forward(
        self,
        tables: HubTables,
        statement: Statement[WrongPersonBody] | Statement[RecallDoneBody],
        logged: Logged,
    ) -> Answer:
        tables.post([Post(statement.preamble.aud, statement.envelope.encode(), logged)])
        return Answer(logged)
