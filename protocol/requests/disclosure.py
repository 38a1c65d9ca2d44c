"""What a holding agency went by when it decided, opened for an auditor: specs/06-requests.md §2.6.

The decision in the log commits to it. Pure, and the same for the node that keeps it and the auditor
who decides again.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from protocol import canonical
from protocol.commitments import commit, verify_commitment
from protocol.fields import Code, Hex16, Hex32, WireModel
from protocol.governance.charter import LawfulBasis
from protocol.requests.decide import (
    Allow,
    Decision,
    HolderFacts,
    Refer,
    decide_holder,
    stricter,
)
from protocol.requests.overrides import may_override, overrides
from protocol.requests.sealing import Opening


class Override(WireModel):
    """Why a person shared in spite of an objection: a reason that the basis has, and their role."""

    reason: Code
    role: Code


class WentBy(WireModel):
    """The input of `decide_holder`, whether a person decided, and why in spite of an objection.

    Decisions from before objections were recorded lack `overridable` and `override`; those on a
    basis that needs no consent of the holder's lack `consent_covers`.
    """

    permission_in_force: bool
    objection: bool
    link_proven: bool
    earlier_requests_from_requester: Annotated[int, Field(ge=0)]
    rule: Literal["allow", "ask"]
    doubted: bool
    decided_by_person: bool
    overridable: bool = False
    override: Override | None = None
    consent_covers: bool | None = None

    @model_serializer(mode="wrap")
    def _as_it_was(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What an older program did not go by stays unsaid, or it would open nothing."""
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}

    @property
    def facts(self) -> HolderFacts:
        """The input of `decide_holder`."""
        return HolderFacts(**self.model_dump(exclude={"decided_by_person", "override"}))


class Disclosure(WireModel):
    """What opens the commitment of the decision on one request; and that of the reason in writing,
    where that is shown too. A reason may name a client.
    """

    request_id: Hex16
    facts: WentBy
    salt: Hex32
    reason: Opening | None = None

    @model_serializer(mode="wrap")
    def _as_it_was(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a reason it is what it was before there were any."""
        return {name: value for name, value in dump(self).items() if name != "reason" or value}

    @property
    def commitment(self) -> str:
        """The `facts_commitment` that this opens."""
        return commit(bytes.fromhex(self.salt), self._value())

    def check(self, commitment: str) -> None:
        """Raise RemoteError(BAD_PROOF) unless this opens the commitment."""
        verify_commitment(commitment, bytes.fromhex(self.salt), self._value())

    def check_reason(self, commitment: str | None) -> None:
        """Raise RemoteError(BAD_PROOF) unless the reason, if it is shown, opens the commitment."""
        if self.reason is not None:
            salt = bytes.fromhex(self.reason.salt)
            verify_commitment(commitment or "", salt, self.reason.value)

    def decided_again(self, hub_outcome: str) -> Decision:
        """What the rules say: Refer where a person may decide either way."""
        return holder_part(hub_outcome, self.facts.facts)

    def bears_out(self, basis: LawfulBasis | None, holder_class: str, *, allowed: bool) -> bool:
        """Whether an objection was heeded, or overridden, as the basis lets an agency do."""
        went_by, said = self.facts, self.facts.override
        known = "overridable" in went_by.model_fields_set
        if known and went_by.overridable != may_override(basis, holder_class):
            return False
        if said is None or not allowed:
            return said is None and not (went_by.objection and allowed)
        return went_by.objection and overrides(basis, holder_class, (said.role, said.reason))

    def looked_for_consent(self, *bases: LawfulBasis | None) -> bool:
        """Whether the holder looked for a consent of its own where the basis needs one, and nowhere
        else; `bases`: as it was when they asked and when it decided. Where that changed, either.
        """
        needed = {basis is not None and basis.needs_consent for basis in bases}
        return (self.facts.consent_covers is not None) in needed

    def _value(self) -> canonical.JsonValue:
        value: canonical.JsonValue = self.facts.model_dump()
        return value


def disclosure(
    request_id: str,
    facts: HolderFacts,
    salt: bytes,
    *,
    by_person: bool,
    override: Override | None = None,
) -> Disclosure:
    """What to keep of a decision."""
    known = asdict(facts)
    if facts.consent_covers is None:
        del known["consent_covers"]
    went_by = WentBy(**known, decided_by_person=by_person, override=override)
    return Disclosure(request_id=request_id, facts=went_by, salt=salt.hex())


def holder_part(hub_outcome: str, facts: HolderFacts) -> Decision:
    """The holder's decision on a request that the hub allowed or referred."""
    hub_part: Decision = Allow() if hub_outcome == "allow" else Refer()
    return stricter(hub_part, decide_holder(facts))
