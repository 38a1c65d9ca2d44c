"""Cards that were to be deleted: wrong persons, recalls, and what was stated of them.

specs/08-audit.md §3.7 and §3.14. Whether a card really is deleted no log can show.
"""

from collections import defaultdict
from collections.abc import Iterator

from audit.findings import Finding, FindingCode, rule
from audit.rules.chain import Chain, Request, broken_chain, check_parties
from audit.rules.facts import LoggedFacts
from protocol.governance.directory import Directory
from protocol.messages.review import RecallBody, RecallDoneBody, WrongPersonBody
from protocol.messages.statement import Statement


class RecallCheck:
    """Follows what became of cards through the log."""

    def __init__(self, facts: LoggedFacts, directory: Directory, chain: Chain) -> None:
        self._facts = facts
        self._directory = directory
        self._chain = chain
        self._said: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._done: set[str] = set()

    def wrong_person(self, index: int, statement: Statement[WrongPersonBody]) -> Iterator[Finding]:
        """After a release, by either side, once: the link has ended from here on."""
        request = self._released(statement)
        if request is None:
            yield broken_chain(index, "wrong_person", statement.body.request_id)
            return
        parties = [request.requester, request.answerer]
        if statement.preamble.sender not in parties:
            yield rule(
                FindingCode.WRONG_SENDER, index, "this wrong_person comes from the wrong party"
            )
            return
        parties.remove(statement.preamble.sender)
        yield from check_parties(index, statement.preamble, None, parties[0])
        self._said[statement.body.request_id]["wrong_person"] = statement.id
        self._facts.close(request.link_id)

    def recall(self, index: int, statement: Statement[RecallBody]) -> Iterator[Finding]:
        """After a release, once: by who released, or by the hub for one that is not active."""
        request = self._released(statement)
        if request is None:
            yield broken_chain(index, "recall", statement.body.request_id)
            return
        by_hub = statement.preamble.sender == self._directory.charter_at(index).charter.charter_id
        if by_hub and self._directory.active(request.answerer, index) is not None:
            detail = "the hub recalled the card of an agency that was an active member"
            yield rule(FindingCode.RECALL_UNFOUNDED, index, detail)
        sender = None if by_hub else request.answerer
        yield from check_parties(index, statement.preamble, sender, request.requester)
        self._said[statement.body.request_id]["recall"] = statement.id

    def recall_done(self, index: int, statement: Statement[RecallDoneBody]) -> Iterator[Finding]:
        """The asker's word that the card is gone: after it was recalled, once."""
        body = statement.body
        request = self._chain.find(body.request_id)
        known = body.answers in self._said[body.request_id].values()
        if request is None or not known or body.request_id in self._done:
            yield broken_chain(index, "recall_done", body.request_id)
            return
        self._done.add(body.request_id)
        yield from check_parties(index, statement.preamble, request.requester, request.answerer)

    def _released(
        self, statement: Statement[WrongPersonBody] | Statement[RecallBody]
    ) -> Request | None:
        """The request of the release that is named, if this was not said of it before."""
        body = statement.body
        request = self._chain.find(body.request_id)
        if request is None or request.release != body.release:
            return None
        return None if statement.preamble.kind in self._said[body.request_id] else request
