"""What a holding agency went by when it decided, opened for an auditor: specs/06-requests.md §2.6.

The decision in the log commits to it. Pure, and the same for the node that keeps it and the auditor
who decides again.
"""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from protocol import canonical
from protocol.commitments import commit, verify_commitment
from protocol.fields import Hex16, Hex32, WireModel
from protocol.requests.decide import (
    Allow,
    Decision,
    HolderFacts,
    Refer,
    decide_holder,
    stricter,
)


class WentBy(WireModel):
    """The input of `decide_holder`, and whether a person decided."""

    permission_in_force: bool
    objection: bool
    link_proven: bool
    earlier_requests_from_requester: Annotated[int, Field(ge=0)]
    rule: Literal["allow", "ask"]
    doubted: bool
    decided_by_person: bool


class Disclosure(WireModel):
    """What opens the commitment of the decision on one request."""

    request_id: Hex16
    facts: WentBy
    salt: Hex32

    @property
    def commitment(self) -> str:
        """The `facts_commitment` that this opens."""
        return commit(bytes.fromhex(self.salt), self._value())

    def check(self, commitment: str) -> None:
        """Raise RemoteError(BAD_PROOF) unless this opens the commitment."""
        verify_commitment(commitment, bytes.fromhex(self.salt), self._value())

    def decided_again(self, hub_outcome: str) -> Decision:
        """What the rules say: Refer where a person may decide either way."""
        facts = self.facts.model_dump(exclude={"decided_by_person"})
        return holder_part(hub_outcome, HolderFacts(**facts))

    def _value(self) -> canonical.JsonValue:
        value: canonical.JsonValue = self.facts.model_dump()
        return value


def disclosure(request_id: str, facts: HolderFacts, salt: bytes, *, by_person: bool) -> Disclosure:
    """What to keep of a decision."""
    went_by = WentBy(**asdict(facts), decided_by_person=by_person)
    return Disclosure(request_id=request_id, facts=went_by, salt=salt.hex())


def holder_part(hub_outcome: str, facts: HolderFacts) -> Decision:
    """The holder's decision on a request that the hub allowed or referred."""
    hub_part: Decision = Allow() if hub_outcome == "allow" else Refer()
    return stricter(hub_part, decide_holder(facts))
