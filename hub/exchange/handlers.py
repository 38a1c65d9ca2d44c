"""What the handlers of all kinds share: what comes in beside a statement, and what they answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.log.ledger import Ledger
from hub.store.log import Logged
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.bodies import HubDecisionBody
from protocol.messages.enquiries import EnquiryDecisionBody
from protocol.messages.parts import Outcome
from protocol.messages.statement import Statement
from protocol.requests.decide import Allow, Decision, Refer, Refuse
from protocol.requests.quotas import quota_of
from protocol.requests.sealing import SEALED_LIMIT, sealed_hash
from protocol.wire import Message

DAY = 86_400


@dataclass(frozen=True)
class Parts:
    """The sealed part and the proof that came beside a statement."""

    sealed: bytes | None
    proof: bytes | None


@dataclass(frozen=True)
class Answer:
    """What a handler did: where it was logged, and the hub's decision if one was made."""

    logged: Logged
    decision: Statement[HubDecisionBody] | Statement[EnquiryDecisionBody] | None = None


Handler = Callable[[Statement[Any], Parts], Answer]
"""Works inside one transaction: it checks, logs and takes effect, or raises and changes nothing."""


def parts_of(message: Message) -> Parts:
    """Decode what came beside the envelope, within limits."""
    sealed = from_base64(message.sealed) if message.sealed is not None else None
    proof = from_base64(message.proof) if message.proof is not None else None
    if max(len(sealed or b""), len(proof or b"")) > SEALED_LIMIT:
        raise RemoteError(ErrorCode.TOO_LARGE, f"sealed part or proof is over {SEALED_LIMIT} bytes")
    return Parts(sealed, proof)


def check_sealed(expected: str, sealed: bytes | None) -> None:
    """The sealed part must be the one that the statement names."""
    if sealed is None or sealed_hash(sealed) != expected:
        raise RemoteError(ErrorCode.MALFORMED, "the sealed part is not the one that is named")


def decided_as(decision: Decision) -> Outcome:
    """A decision in the word that a statement carries."""
    outcomes: dict[type[Decision], Outcome] = {Allow: "allow", Refer: "refer", Refuse: "refuse"}
    return outcomes[type(decision)]


def check_quota(ledger: Ledger, statement: Statement[WireModel]) -> None:
    """Before anything is logged: the day's statements of this kind. Raises RemoteError(OVER_QUOTA).

    A day is that of the statement's own time, and so is when the next one begins: by the hub's
    clock the sender might come too early.
    """
    preamble = statement.preamble
    most, since = quota_of(ledger.charter, preamble.kind), midnight_before(preamble.iat)
    if most is None:
        return
    if ledger.tables.log.count_entries(preamble.sender, preamble.kind, since) >= most:
        raise RemoteError(
            ErrorCode.OVER_QUOTA,
            f"{most} of this kind are a day's quota",
            retry_after=since + DAY - preamble.iat,
        )


def midnight_before(iat: int) -> int:
    """When the day began, by which quotas are counted."""
    return iat - iat % DAY
