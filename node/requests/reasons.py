"""Why somebody refuses: the code, and the reason in writing, which is sealed to the asker and
committed to in the decision.

specs/06-requests.md §10. The hub sees that there is one, and never what it says. Both sides keep
the opening for as long as the request.
"""

from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.requests.sealed import Recipient, SealedPart, named_part, open_part, seal_for
from node.store.requests import ReceivedRequest
from protocol.commitments import commit, verify_commitment
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.bodies import DecisionBody
from protocol.messages.kinds import kind_of
from protocol.messages.statement import Statement
from protocol.requests.answers import HUBS_OWN
from protocol.requests.decide import Decision, Refuse
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import FACT_LIMIT, Opening
from protocol.wire import Delivery
from runtime.logs import log


@dataclass(frozen=True)
class WrittenReason:
    """A reason as it is kept here, and as it travels."""

    opening: Opening
    part: SealedPart

    @classmethod
    def of(cls, membership: HubMembership, request: ReceivedRequest, text: str) -> "WrittenReason":
        """A reason for refusing a request. Raises RemoteError if who asked cannot be sealed to."""
        opening = Opening(salt=membership.env.random(32).hex(), value=text)
        to = Recipient(kind_of(DecisionBody), request.requester, request.request_id)
        return cls(opening, seal_for(membership, to, opening))

    @property
    def commitment(self) -> str:
        """What the decision says of it."""
        return commit(bytes.fromhex(self.opening.salt), self.opening.value)


def check_code(code: RefusalCode | None) -> None:
    """Raise LocalError for a code with which a person here would speak for the hub."""
    if code in HUBS_OWN:
        known = ", ".join(one for one in RefusalCode if one not in HUBS_OWN)
        raise LocalError(
            ErrorCode.NOT_ALLOWED, f"only the council's hub says that: refuse with one of {known}"
        )


def reason_of(
    membership: HubMembership,
    request: ReceivedRequest,
    practitioner: int,
    text: str,
    answer: Decision,
) -> str:
    """The reason that goes with a person's answer; empty: none. What they wrote before, if the hub
    did not take it, counts still. Raises LocalError where the basis wants one, or it is not to be.
    """
    text = text.replace("\r\n", "\n").strip()
    if not isinstance(answer, Refuse):
        if text:
            raise LocalError(ErrorCode.CONFLICT, "a reason goes with a refusal: leave it out")
        return ""
    if not text and request.reason is not None and request.answered_by == practitioner:
        text = request.reason.value
    if len(text) > FACT_LIMIT:
        raise LocalError(
            ErrorCode.TOO_LARGE,
            f"the reason has {len(text)} characters, and at most {FACT_LIMIT} fit: shorten it. "
            "Nothing was sent",
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise LocalError(ErrorCode.MALFORMED, "the reason is not text in UTF-8")
    basis = membership.charter.lawful_basis(request.basis)
    if not text and basis is not None and basis.reason_in_writing:
        raise LocalError(
            ErrorCode.NOT_READY,
            "on this lawful basis whoever refuses says why in writing: add --reason TEXT or "
            "--reason-file FILE",
        )
    return text


def opened_reason(
    membership: HubMembership, statement: Statement[DecisionBody], delivery: Delivery
) -> Opening | None:
    """The reason that came with a decision on a request of ours; None: there is none, or it does
    not open. The decision counts all the same.
    """
    body = statement.body
    if body.sealed_hash is None or body.reason_commitment is None or delivery.sealed is None:
        return None
    try:
        sealed = named_part(delivery.sealed, body.sealed_hash)
        opening = open_part(membership, statement, body.request_id, sealed, Opening)
        verify_commitment(body.reason_commitment, bytes.fromhex(opening.salt), opening.value)
    except RemoteError as error:
        log.warning("reason_not_opened", code=error.code.value)
        return None
    return opening
