"""Holders' decisions made again, from what they disclosed (specs/08-audit.md §3.13)."""

from collections.abc import Iterator, Sequence

from audit.findings import Finding, FindingCode, missing, rule
from audit.rules.chain import Chain, as_logged, words
from protocol.errors import RemoteError
from protocol.governance.directory import Directory
from protocol.messages.bodies import DecisionBody
from protocol.messages.statement import Statement
from protocol.requests.decide import Refer
from protocol.requests.disclosure import Disclosure


class DisclosureCheck:
    """Holds each disclosure against the decision that it opens."""

    def __init__(
        self, disclosures: Sequence[Disclosure], directory: Directory, chain: Chain
    ) -> None:
        self._left = {item.request_id: item for item in disclosures}
        self._directory = directory
        self._chain = chain
        self.decided_again = 0

    def decision(self, index: int, statement: Statement[DecisionBody]) -> Iterator[Finding]:
        """Follow the decision, and make it again if it was disclosed."""
        yield from self._chain.decision(index, statement)
        body = statement.body
        request = self._chain.find(body.request_id)
        if request is None or request.decision != statement.id:
            return
        disclosure = self._left.pop(body.request_id, None)
        if disclosure is None:
            return
        try:
            disclosure.check(body.facts_commitment)
            disclosure.check_reason(body.reason_commitment)
        except RemoteError:
            detail = f"what was disclosed about request {body.request_id} is not what was logged"
            yield rule(FindingCode.DISCLOSURE_DIFFERS, index, detail)
            return
        self.decided_again += 1
        by_person = body.decided_by is not None
        expected = disclosure.decided_again(request.hub_outcome)
        logged, ours = (body.outcome, body.code, None), as_logged(expected)
        free = isinstance(expected, Refer) and by_person
        if by_person != disclosure.facts.decided_by_person or not (free or logged == ours):
            detail = f"logged {words(logged)}, decided again {words(ours)}"
            yield rule(FindingCode.HOLDER_DECISION_DIFFERS, index, detail)

        member = self._directory.member(request.answerer, index)
        before, basis = (
            self._directory.charter_at(place).charter.lawful_basis(request.basis)
            for place in (request.index, index)
        )
        if not disclosure.looked_for_consent(before, basis):
            detail = f"request {body.request_id}: the lawful basis says otherwise"
            yield rule(FindingCode.CONSENT_UNFOUNDED, index, detail)
        if member is not None and not disclosure.bears_out(
            basis, member.body.member_class, allowed=body.outcome == "allow"
        ):
            detail = f"request {body.request_id}: the charter does not let that be overridden so"
            yield rule(FindingCode.OVERRIDE_UNFOUNDED, index, detail)

    def finish(self) -> Iterator[Finding]:
        """What opens no decision of this case."""
        for request_id in sorted(self._left):
            detail = f"no decision on request {request_id} is in this case"
            yield missing(FindingCode.DISCLOSURE_UNFOUNDED, None, detail)
