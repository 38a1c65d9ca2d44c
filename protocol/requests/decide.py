"""The decisions: specs/06-requests.md §3 and §6. Pure, and the same code for node, hub and auditor.

Values in, values out: a refusal is a value, not an exception. What differs between the parties,
and is tested, is how each assembles the inputs.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from protocol.governance.charter import Charter, FactRule, LawfulBasis
from protocol.governance.involvement_types import InvolvementType
from protocol.messages.bodies import MemberBody, PublishedInvolvement, RequestBody
from protocol.messages.enquiries import EnquiryBody
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.review import IdentityRequestBody
from protocol.requests.hints import Side, decide_broker
from protocol.requests.refusals import RefusalCode
from protocol.requests.spans import in_force, only_enquires, seen_until


@dataclass(frozen=True)
class Allow:
    """Go ahead."""


@dataclass(frozen=True)
class Refer:
    """A person must decide."""


@dataclass(frozen=True)
class Refuse:
    """No, and why; `field` names the fact that is missing or wrong."""

    code: RefusalCode
    field: str | None = None


Decision = Allow | Refer | Refuse


BREAK_GLASS = "break_glass"


class Shown(StrEnum):
    """What one side of a link may see of an involvement on the other side."""

    INVOLVEMENT = "involvement"
    PAST = "past"
    POSSIBLE = "possible"
    NOTHING = "nothing"


@dataclass(frozen=True)
class LinkFact:
    """A link as the rounds logged it: its state and its two ends (agency id, stub id)."""

    state: str
    ends: tuple[tuple[str, str], tuple[str, str]]

    def other_end(self, agency_id: str, stub_id: str) -> tuple[str, str] | None:
        """The end across from this one, or None when this is no end of the link."""
        if (agency_id, stub_id) not in self.ends:
            return None
        first, second = self.ends
        return second if first == (agency_id, stub_id) else first


@dataclass(frozen=True)
class HubFacts:
    """All that `decide_hub` may look at beside charter and request: logged facts, each or None.

    `involvement` is the one asked for as the stub across the link publishes it;
    `own_involvements` are those that the asking stub publishes.
    """

    requester_id: str
    holder_id: str
    requester: MemberBody | None
    holder: MemberBody | None
    link: LinkFact | None
    involvement: PublishedInvolvement | None
    own_involvements: tuple[PublishedInvolvement, ...]
    requests_today: int


@dataclass(frozen=True)
class IdentityFacts:
    """All that `decide_identity` and `decide_introduction` may look at beside charter and request:
    logged facts, or None.

    `involvements` are what the stub across the link publishes; `doubted` says that the last
    answer of one side about this link was "not the same"; `checks_today` counts the like requests.
    """

    requester_id: str
    requester: MemberBody | None
    holder: MemberBody | None
    link: LinkFact | None
    doubted: bool
    involvements: tuple[PublishedInvolvement, ...]
    own_involvements: tuple[PublishedInvolvement, ...]
    checks_today: int


Timed = RequestBody | IdentityRequestBody
Asked = Timed | IntroductionRequestBody
WithFacts = Asked | EnquiryBody
AnyHubFacts = HubFacts | IdentityFacts


@dataclass(frozen=True)
class HolderFacts:
    """What the holding agency knows of its own record when it decides.

    `overridable`: the basis lets a person here decide in spite of an objection (`may_override`).
    `consent_covers`: whether a consent that its client gave it, and that is in force, covers who
    asks and for what; None where the basis needs none of the holder's.
    """

    permission_in_force: bool
    objection: bool
    link_proven: bool
    earlier_requests_from_requester: int
    rule: str
    doubted: bool = False
    overridable: bool = False
    consent_covers: bool | None = None


def identity_pins(decision: Decision, pins: DecisionFacts) -> DecisionFacts:
    """The logged facts that a decision on an identity request may name; and on an introduction.

    A refusal names nothing of the other side: not even whether there is one.
    """
    if not isinstance(decision, Refuse):
        return pins
    nothing = {"holder_membership": None, "round": None, "holder_publication": None}
    return pins.model_copy(update=nothing)


def stricter(first: Decision, second: Decision) -> Decision:
    """The stricter of two decisions: Refuse over Refer over Allow; the first where equal."""
    order = {Allow: 0, Refer: 1, Refuse: 2}
    return second if order[type(second)] > order[type(first)] else first


def decide_hub(charter: Charter, request: RequestBody, iat: int, facts: HubFacts) -> Decision:
    """The hub's part. Everything it looks at is in the charter, the request or a logged fact."""
    made, most = facts.requests_today, charter.quotas.requests_per_day
    shown = _shown_to_asker(charter, request, iat, facts)
    refusal = (
        _check_time(charter, request, iat)
        or (None if shown else Refuse(RefusalCode.NOT_AVAILABLE))
        or check_grounds(charter, request, facts, (made, most))
    )
    # Past work and services that nobody sees: a person looks, whatever any rule says.
    return refusal or (Allow() if shown is Shown.INVOLVEMENT else Refer())


def decide_identity(
    charter: Charter, request: IdentityRequestBody, iat: int, facts: IdentityFacts
) -> Decision:
    """The hub's part on an identity request: as `decide_hub`, for a link that is still open."""
    made, most = facts.checks_today, charter.quotas.identity_checks_per_day
    return (
        _check_time(charter, request, iat)
        or _check_comparable(charter, request, iat, facts)
        or check_grounds(charter, request, facts, (made, most))
        or Allow()
    )


def decide_introduction(
    charter: Charter, request: IntroductionRequestBody, iat: int, facts: IdentityFacts
) -> Decision:
    """The hub's part on a request to be introduced to whoever is behind a hint."""
    works = introducible(charter, request, iat, facts)
    made, most = facts.checks_today, charter.quotas.identity_checks_per_day
    return (
        (None if works else Refuse(RefusalCode.NOT_AVAILABLE))
        or check_grounds(charter, request, facts, (made, most))
        or Allow()
    )


def introducible(
    charter: Charter, request: IntroductionRequestBody, iat: int, facts: IdentityFacts
) -> tuple[PublishedInvolvement, ...]:
    """The work across a link to which who asks may be introduced."""
    parties = _parties(request, facts)
    if parties is None:
        return ()
    requester, holder, link = parties
    asker = Side(requester.member_class, facts.own_involvements)
    asked = Side(holder.member_class, facts.involvements)
    return decide_broker(charter, asker, asked, link.state, iat)


def check_grounds(
    charter: Charter, request: Asked, facts: AnyHubFacts, quota: tuple[int, int]
) -> Refuse | None:
    """Whether a request has grounds: basis, purpose, facts and role, in this order, and is within
    the day's quota (how many were made, and how many may be).
    """
    basis, (made, most) = charter.lawful_basis(request.basis), quota
    return (
        _check_basis(basis, facts, request)
        or check_facts(basis, request)
        or check_role(charter, request)
        or (None if made < most else Refuse(RefusalCode.OVER_QUOTA))
    )


def decide_holder(facts: HolderFacts) -> Decision:
    """The holder's part, from facts that only the holder has. A first request is referred, and so
    is an objection that a person may override.
    """
    if not facts.link_proven:
        return Refuse(RefusalCode.LINK_NOT_PROVEN)
    if not facts.permission_in_force:
        return Refuse(RefusalCode.PERMISSION_ENDED)
    if facts.consent_covers is False:
        return Refuse(RefusalCode.NO_CONSENT)
    if facts.objection:
        return Refer() if facts.overridable else Refuse(RefusalCode.OBJECTION)
    if facts.doubted or facts.earlier_requests_from_requester == 0 or facts.rule != "allow":
        return Refer()
    return Allow()


def decide_show(
    charter: Charter,
    viewer_class: str,
    involvement: PublishedInvolvement,
    link_state: str,
    now: int,
) -> Shown:
    """What a linked agency may see of an involvement. Sensitive ones are never shown, and none to a
    class that the client's consent leaves out.
    """
    kind = charter.involvement_type(involvement.type)
    if kind is None or kind.openness == "sensitive" or viewer_class not in kind.visible_to:
        return Shown.NOTHING
    if not is_shown_to(kind, involvement.shown_to, viewer_class):
        return Shown.NOTHING
    if not in_force(involvement, now):
        is_seen = link_state == "match" and now < seen_until(charter, involvement)
        return Shown.PAST if is_seen else Shown.NOTHING
    if link_state == "possible":
        return Shown.POSSIBLE
    return Shown.INVOLVEMENT if link_state == "match" else Shown.NOTHING


def is_shown_to(kind: InvolvementType, shown_to: Collection[str] | None, viewer_class: str) -> bool:
    """Whether a consent that names these classes, if any, leaves a class in. None narrows what the
    charter makes always findable.
    """
    return kind.openness == "always_findable" or shown_to is None or viewer_class in shown_to


def seen_from(own: Iterable[PublishedInvolvement], shown: Shown, now: int) -> Shown:
    """What an agency sees of an involvement that `decide_show` shows to its class, by its own work
    with the client: who has none in force but an enquiry sees what goes on, and nothing else.
    """
    if not only_enquires(own, now):
        return shown
    return shown if shown in {Shown.INVOLVEMENT, Shown.POSSIBLE} else Shown.NOTHING


def allows_break_glass(basis: LawfulBasis | None) -> bool:
    """Whether a card may leave on this basis without a quorum (specs/06-requests.md §8)."""
    return basis is not None and any(
        rule.field.startswith(BREAK_GLASS) for rule in basis.must_record
    )


def _check_time(charter: Charter, request: Timed, iat: int) -> Refuse | None:
    longest = iat + charter.request_lifetime_days * 86_400
    if iat < request.expires <= longest and request.needed_by <= request.expires:
        return None
    return Refuse(RefusalCode.REQUEST_EXPIRED)


def _shown_to_asker(
    charter: Charter, request: RequestBody, iat: int, facts: HubFacts
) -> Shown | None:
    """As what the work asked for is there for who asks; None for everything that is unknown, ended
    or not permitted.
    """
    requester, holder = facts.requester, facts.holder
    if requester is None or holder is None or facts.link is None or facts.involvement is None:
        return None
    if requester.status != "active" or holder.status != "active":
        return None
    other = facts.link.other_end(facts.requester_id, request.stub_id)
    if other is None or other[0] != facts.holder_id:
        return None
    if not any(in_force(involvement, iat) for involvement in facts.own_involvements):
        return None
    state = facts.link.state
    shown = decide_show(charter, requester.member_class, facts.involvement, state, iat)
    shown = seen_from(facts.own_involvements, shown, iat)
    if shown in {Shown.INVOLVEMENT, Shown.PAST}:
        return shown
    asker = Side(requester.member_class, facts.own_involvements)
    asked = Side(holder.member_class, [facts.involvement])
    return Shown.NOTHING if decide_broker(charter, asker, asked, state, iat) else None


def _check_comparable(
    charter: Charter, request: IdentityRequestBody, iat: int, facts: IdentityFacts
) -> Refuse | None:
    refusal, parties = Refuse(RefusalCode.NOT_AVAILABLE), _parties(request, facts)
    if parties is None:
        return refusal
    requester, _, link = parties
    if link.state != "possible" and not (link.state == "match" and facts.doubted):
        return refusal
    if not any(in_force(involvement, iat) for involvement in facts.own_involvements):
        return refusal
    shown = {
        seen_from(
            facts.own_involvements,
            decide_show(charter, requester.member_class, item, link.state, iat),
            iat,
        )
        for item in facts.involvements
    }
    return None if shown - {Shown.NOTHING} else refusal


def _parties(
    request: IdentityRequestBody | IntroductionRequestBody, facts: IdentityFacts
) -> tuple[MemberBody, MemberBody, LinkFact] | None:
    """Asker, holder and the link between them, if both are active and it is the asker's."""
    requester, holder, link = facts.requester, facts.holder, facts.link
    if requester is None or holder is None or link is None:
        return None
    if requester.status != "active" or holder.status != "active":
        return None
    known = link.other_end(facts.requester_id, request.stub_id) is not None
    return (requester, holder, link) if known else None


def _check_basis(basis: LawfulBasis | None, facts: AnyHubFacts, request: Asked) -> Refuse | None:
    refusal = Refuse(RefusalCode.BASIS_NOT_USABLE)
    if basis is None or basis.in_force != "yes":
        return refusal
    if facts.requester is None or facts.requester.member_class not in basis.requester_classes:
        return refusal
    if facts.holder is None or facts.holder.member_class not in basis.holder_classes:
        return refusal
    if request.purpose not in basis.purposes:
        return Refuse(RefusalCode.PURPOSE_NOT_ALLOWED)
    return None


def check_facts(basis: LawfulBasis | None, request: WithFacts) -> Refuse | None:
    """Every fact of the asker's side that a basis demands is there, in its form, and no other."""
    if basis is None:
        return Refuse(RefusalCode.BASIS_NOT_USABLE)
    for rule in basis.asked:
        value = request.facts.get(rule.field)
        if value is None:
            return Refuse(RefusalCode.MISSING_FACT, rule.field)
        if not fits(rule, value):
            return Refuse(RefusalCode.WRONG_FACT, rule.field)
    extra = sorted(set(request.facts) - {rule.field for rule in basis.asked})
    return Refuse(RefusalCode.WRONG_FACT, extra[0]) if extra else None


def fits(rule: FactRule, value: str) -> bool:
    """Whether a fact, as it travels, has the form that its rule demands."""
    if rule.type == "enum":
        return value in rule.choices
    if rule.type == "committed":
        return len(value) == 64 and all(character in "0123456789abcdef" for character in value)
    try:
        return value == date.fromisoformat(value).isoformat()
    except ValueError:
        return False


def check_role(charter: Charter, request: WithFacts) -> Refuse | None:
    """Who asks is in a role of the charter's."""
    known = request.practitioner.role in charter.roles
    return None if known else Refuse(RefusalCode.ROLE_NOT_KNOWN)
