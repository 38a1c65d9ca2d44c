"""Cards that were to be deleted: wrong persons, recalls, and what was stated of them.

specs/08-audit.md §3.7 and §3.14. Whether a card really is deleted no log can show.
"""

from collections.abc import Iterator

from audit.findings import Finding, FindingCode, rule
from audit.rules.chain import Chain, broken_chain, check_parties
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

    def wrong_person(self, index: int, statement: Statement[WrongPersonBody]) -> Iterator[Finding]:
        """After a release, by either side, once: the link has ended from here on."""
        body = statement.body
        request = self._chain.find(body.request_id)
        known = request is not None and body.release in {request.release, *request.earlier}
        if request is None or not known or request.wrong_person is not None:
            yield broken_chain(index, "wrong_person", body.request_id)
            return
        parties = [request.requester, request.answerer]
        if statement.preamble.sender not in parties:
            yield rule(
                FindingCode.WRONG_SENDER, index, "this wrong_person comes from the wrong party"
            )
            return
        parties.remove(statement.preamble.sender)
        yield from check_parties(index, statement.preamble, None, parties[0])
        request.wrong_person = statement.id
        self._facts.close(request.link_id)

    def recall(self, index: int, statement: Statement[RecallBody]) -> Iterator[Finding]:
        """After each release, once: by who released, or by the hub for one that is not active."""
        body = statement.body
        request = self._chain.find(body.request_id)
        if request is None or request.release != body.release or request.recall is not None:
            yield broken_chain(index, "recall", body.request_id)
            return
        by_hub = statement.preamble.sender == self._directory.charter_at(index).charter.charter_id
        if by_hub and self._directory.active(request.answerer, index) is not None:
            detail = "the hub recalled the card of an agency that was an active member"
            yield rule(FindingCode.RECALL_UNFOUNDED, index, detail)
        sender = None if by_hub else request.answerer
        yield from check_parties(index, statement.preamble, sender, request.requester)
        request.recall = statement.id
        request.by_holder = statement.preamble.sender == request.answerer

    def recall_done(self, index: int, statement: Statement[RecallDoneBody]) -> Iterator[Finding]:
        """The asker's word that the card is gone: after it was recalled, once."""
        body = statement.body
        request = self._chain.find(body.request_id)
        said = {request.wrong_person, request.recall} if request else set()
        if request is None or body.answers not in said or request.gone:
            yield broken_chain(index, "recall_done", body.request_id)
            return
        request.gone = True
        yield from check_parties(index, statement.preamble, request.requester, request.answerer)
