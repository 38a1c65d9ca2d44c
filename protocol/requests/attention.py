"""Whether attention may be raised: specs/06-requests.md §13. Pure, and the same code for node, hub
and auditor. To whom it goes is no part of it: that must not show in what the sender is told.
"""

from dataclasses import dataclass

from protocol.governance.charter import Charter
from protocol.messages.attention import AttentionBody
from protocol.messages.bodies import MemberBody, PublishedInvolvement
from protocol.requests.decide import Allow, Refuse
from protocol.requests.refusals import RefusalCode
from protocol.requests.spans import in_force


@dataclass(frozen=True)
class AttentionFacts:
    """All that `decide_attention` may look at beside charter and statement: logged facts.

    `involvements` are those of the stub as the sender publishes it, none if it is not the sender's;
    `raised_today` how often the sender has raised attention from midnight UTC of its `iat` on.
    """

    sender: MemberBody | None
    involvements: tuple[PublishedInvolvement, ...]
    raised_today: int


def decide_attention(
    charter: Charter, body: AttentionBody, iat: int, facts: AttentionFacts
) -> Allow | Refuse:
    """Whether an agency may raise attention; the first refusal in the order of the table."""
    terms = charter.attention
    if terms is None or terms.kind(body.kind) is None:
        return Refuse(RefusalCode.KIND_NOT_KNOWN)
    if facts.sender is None or facts.sender.status != "active":
        return Refuse(RefusalCode.NOT_AVAILABLE)
    if not any(in_force(item, iat) and _is_seen(charter, item) for item in facts.involvements):
        return Refuse(RefusalCode.NOT_AVAILABLE)
    if body.practitioner.role not in charter.roles:
        return Refuse(RefusalCode.ROLE_NOT_KNOWN)
    if facts.raised_today >= terms.per_day:
        return Refuse(RefusalCode.OVER_QUOTA)
    return Allow()


def _is_seen(charter: Charter, involvement: PublishedInvolvement) -> bool:
    """Whether work of this type may be shown to anybody: who is hidden says nothing to a team."""
    kind = charter.involvement_type(involvement.type)
    return kind is not None and kind.openness != "sensitive"
