"""What a side of a link is told of work that it may not see: specs/06-requests.md §12.

Pure, and the same for hub, node and auditor. Two sensitive services meet where each type's
`brokered_to` and each client's consent name the other's class. Anybody else is told at most that
the duty desk can help, where the charter and the consent say so and enough organisations share the
holder's class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocol.governance.charter import Charter
from protocol.governance.involvement_types import InvolvementType
from protocol.messages.bodies import PublishedInvolvement
from protocol.requests.spans import in_force, only_enquires


class Hint(StrEnum):
    """What is told: a service of a class can be reached, or the duty desk can put in touch."""

    SERVICE = "service"
    DUTY_DESK = "duty_desk"


@dataclass(frozen=True)
class Side:
    """One side of a link: the agency's class, what its stub publishes, and how many organisations
    of that class there are beside the other side's own.
    """

    member_class: str
    involvements: Sequence[PublishedInvolvement]
    organisations: int = 0


def decide_broker(
    charter: Charter, viewer: Side, holder: Side, link_state: str, now: int
) -> tuple[PublishedInvolvement, ...]:
    """Those pieces of the holder's work to which the viewer may be introduced. There are some for
    either side, or for none.
    """
    if link_state != "match" or not _brokered(charter, viewer, holder.member_class, now):
        return ()
    return _brokered(charter, holder, viewer.member_class, now)


def decide_hint(
    charter: Charter, viewer: Side, holder: Side, link_state: str, now: int
) -> Hint | None:
    """What a viewer is told of a holder's work that it may not see."""
    if decide_broker(charter, viewer, holder, link_state, now):
        return Hint.SERVICE
    works = any(in_force(item, now) for item in viewer.involvements)
    if link_state != "match" or not works or only_enquires(viewer.involvements, now):
        return None
    hinted = any(
        kind.hint_from is not None
        and holder.organisations >= kind.hint_from
        and viewer.member_class in kind.visible_to
        for kind in _consented(charter, holder, viewer.member_class, now).values()
    )
    return Hint.DUTY_DESK if hinted else None


def _brokered(
    charter: Charter, side: Side, other_class: str, now: int
) -> tuple[PublishedInvolvement, ...]:
    """A side's sensitive work that its type and its client's consent let the other class reach."""
    consented = _consented(charter, side, other_class, now)
    return tuple(item for item, kind in consented.items() if other_class in kind.brokered_to)


def _consented(
    charter: Charter, side: Side, other_class: str, now: int
) -> dict[PublishedInvolvement, InvolvementType]:
    """A side's sensitive work in force, with its type, whose consent names the other class."""
    found = {}
    for item in side.involvements:
        kind = charter.involvement_type(item.type)
        if (
            kind is not None
            and kind.openness == "sensitive"
            and in_force(item, now)
            and item.permission.basis_class == "consent"
            and other_class in (item.shown_to or ())
        ):
            found[item] = kind
    return found
