"""The team around a client is told that attention was raised: specs/06-requests.md §13.

Apart from taking it in, and later: how long that takes, and how much comes of it, must not show in
what the sender is answered.
"""

from collections.abc import Iterator

from hub.log.ledger import Ledger
from hub.matching.telling import signed
from hub.matching.terms import RoundTerms
from hub.store.links import Link, LinkEnd
from hub.store.log import Payload
from hub.store.mailboxes import Post
from hub.store.stubs import Stub
from protocol.fields import to_base64
from protocol.messages.attention import AttentionBody, AttentionNoticeBody
from protocol.messages.statement import parse_statement
from protocol.requests.decide import Shown


class Alerting:
    """Tells who is to know, once; and again whoever came back from a backup."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def tell(self, index: int) -> int:
        """Tell the team of the attention logged at an index; how many notices that made."""
        payload = self._payload(index)
        ends = list(self._team(payload))
        self._tables.mailboxes.post([self._post(payload, *end) for end in ends])
        self._tables.attention.told(index, [(end.agency, link.link_id) for link, end in ends])
        return len(ends)

    def tell_again(self, agency: str) -> list[Post]:
        """What an agency was told and may still know, over the links as they are now."""
        posts = []
        for index, link_id in self._tables.attention.told_to(agency):
            payload = self._payload(index)
            posts += [
                self._post(payload, link, end)
                for link, end in self._team(payload)
                if (end.agency, link.link_id) == (agency, link_id)
            ]
        return posts

    def _team(self, payload: Payload) -> Iterator[tuple[Link, LinkEnd]]:
        """The other ends of links of the sender's stub that see what the sender does there."""
        raised = parse_statement(payload.envelope).expect(AttentionBody)
        own = self._tables.stubs.stub(raised.body.stub_id)
        sender = self._ledger.directory.active(raised.preamble.sender)
        if own is None or sender is None:
            return  # suspended meanwhile: its links end
        for link in self._tables.links.links_of([own.stub_id]).get(own.stub_id, []):
            end = link.across(own.stub_id)
            if self._sees(link, end, own):
                yield link, end

    def _sees(self, link: Link, end: LinkEnd, own: Stub) -> bool:
        """Whether an end was told of the link, and is shown work that goes on: what it is told of a
        client is over what it knows already.
        """
        other = self._tables.stubs.stub(end.stub_id)
        if end.notice is None or other is None:
            return False
        known = {item.id for item in end.notice.involvements}
        shown = RoundTerms.of(self._ledger).shown_across(other, own, link.state.value)
        return any(item.id in known and value is Shown.INVOLVEMENT for item, value in shown.items())

    def _post(self, payload: Payload, link: Link, end: LinkEnd) -> Post:
        body = AttentionNoticeBody(
            attention=to_base64(payload.envelope),
            index=payload.index,
            salt=payload.salt.hex(),
            link_id=link.link_id,
            stub_id=end.stub_id,
        )
        return signed(self._ledger, end.agency, body)

    def _payload(self, index: int) -> Payload:
        """The entry. What is kept of it here goes with its payload."""
        (payload,) = self._tables.log.payloads(index, index + 1)
        return payload
