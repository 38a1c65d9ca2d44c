"""A client's consent, where a request is made or decided: what the asker's record says, and whether
the holder's covers who asks and for what.

specs/06-requests.md §2 and specs/10-consent.md §4. Nobody types what a consent record says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.publishing.narrowing import all_seen_by, may_see
from node.records.agreements import Agreed, agreed, all_agreed
from node.store.records import Involvement
from node.store.requests import ReceivedRequest
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import FactRule, LawfulBasis
from protocol.requests.decide import fits

RECORD_FIRST = "record the consent first: patchwork-node consent give"


class NoConsentError(LocalError):
    """Our own record of a client's consent does not carry what is asked on it."""


@dataclass(frozen=True)
class Ground:
    """On what basis and for what an agency of a class is asked or asks; the class None: nobody
    knows yet who is at the other end.
    """

    basis: str
    purpose: str
    member_class: str | None


def with_recorded(
    tables: NodeTables,
    membership: HubMembership,
    client: int,
    ground: Ground,
    typed: Mapping[str, str],
) -> tuple[dict[str, str], int | None]:
    """The facts of a request about a client (a row's id), those from our consent record put in; and
    that record's number, if it rests on one. Raises NoConsentError where there is none, LocalError
    where one of these facts was typed.
    """
    basis = membership.charter.lawful_basis(ground.basis)
    rules = [rule for rule in basis.asked if rule.record] if basis else []
    facts = dict(typed)
    if not rules:
        return facts, None
    if said := next((rule for rule in rules if rule.field in facts), None):
        raise LocalError(
            ErrorCode.MALFORMED, f"{said.title}: this is in your consent record; leave it out"
        )
    stands = _own_consent(tables, membership, client, ground)
    for rule in rules:
        facts[rule.field] = _recorded(rule, stands)
    return facts, stands.record


def covers(
    tables: NodeTables,
    membership: HubMembership,
    works: Sequence[Involvement],
    ground: Ground,
) -> bool | None:
    """Whether a consent to any of these pieces of our work covers who asks and for what; None
    where the basis needs none of ours.
    """
    charter, now = membership.charter, membership.env.clock()
    basis = charter.lawful_basis(ground.basis)
    if basis is None or not basis.needs_consent:
        return None
    stand = all_agreed(tables, membership.agreement, works, now).values()
    return any(_covers(item, ground, now) for item in stand)


def permission_and_consent(
    tables: NodeTables,
    membership: HubMembership,
    request: ReceivedRequest,
    asked: Involvement | None,
) -> tuple[bool, bool | None]:
    """Whether the permission of `asked`, the work that a request asks for, is in force, for who
    asks; and whether a consent to it covers them, as `covers` says.
    """
    in_force = tables.permissions.is_in_force(request.involvement, membership.at())
    works = [asked] if asked else []
    member = membership.directory.member(request.requester)
    member_class = member.body.member_class if member else ""
    ground = Ground(request.basis, request.purpose, member_class)
    covered = covers(tables, membership, works, ground)
    return in_force and bool(
        all_seen_by(tables, membership.agreement, works, member_class)
    ), covered


def consent_ends(tables: NodeTables, membership: HubMembership, request: ReceivedRequest) -> int:
    """When what a client agreed to ends, of the work that a request asks for (Unix seconds); 0 if
    nothing stands.
    """
    works, now = _work_of(tables, request), membership.env.clock()
    stand = all_agreed(tables, membership.agreement, works, now).values()
    return max((item.valid_until for item in stand), default=0)


def _work_of(tables: NodeTables, request: ReceivedRequest) -> list[Involvement]:
    item = tables.records.involvement(request.involvement)
    return [item] if item else []


def left_out(
    tables: NodeTables, membership: HubMembership, requests: Iterable[ReceivedRequest]
) -> list[ReceivedRequest]:
    """Those requests, or the cards of those, that a consent leaves out by now: it names other
    classes, or the basis needs one and none covers it. A card goes by the latter only if a consent
    was looked for when it left: another charter takes back nothing. As many statements for one
    request as for all.
    """
    charter, now, asked = membership.charter, membership.env.clock(), list(requests)
    works = tables.records.by_row({item.involvement or 0 for item in asked})
    records = tables.consents.newest(works)
    found = []
    for request in asked:
        item, member = (
            works.get(request.involvement or 0),
            membership.directory.member(request.requester),
        )
        if item is None or member is None:
            continue
        record, member_class = records.get(item.id), member.body.member_class
        stands = agreed(membership.agreement, item, record, now)
        ground = Ground(request.basis, request.purpose, member_class)
        covered = stands is not None and _covers(stands, ground, now)
        needed = _needs(charter.lawful_basis(request.basis), request)
        if not may_see(membership.agreement, item, record, member_class) or (
            needed and not covered
        ):
            found.append(request)
    return found


def _needs(basis: LawfulBasis | None, request: ReceivedRequest) -> bool:
    """Whether a request, or the card that left for it, rests on a consent of ours."""
    if basis is None or not basis.needs_consent:
        return False
    kept = request.disclosure
    return not request.is_out or (kept is not None and kept.facts.consent_covers is True)


def _own_consent(
    tables: NodeTables, membership: HubMembership, client: int, ground: Ground
) -> Agreed:
    """What stands of a consent of our client that covers it; of several the one that says most, and
    of these the last. Raises NoConsentError.
    """
    now = membership.env.clock()
    works = [item for item in tables.records.involvements([client]) if not item.is_over(now)]
    stand = all_agreed(tables, membership.agreement, works, now).values()
    fitting = [item for item in stand if _covers(item, ground, now)]
    if fitting:
        return max(fitting, key=lambda item: (item.given_by is not None, item.given_on))
    if ground.member_class is None and any(item.classes for item in stand):
        why = "your consent names to whom, and nobody knows yet who is at the other end"
    elif stand:
        why = "no consent of this client covers that organisation and this purpose"
    else:
        why = "there is no consent of this client in force"
    raise NoConsentError(ErrorCode.NOT_READY, f"{why}; {RECORD_FIRST}, or ask on another basis")


def _covers(item: Agreed, ground: Ground, now: int) -> bool:
    return item.covers(ground.basis, ground.member_class, ground.purpose, now)


def _recorded(rule: FactRule, stands: Agreed) -> str:
    """What a consent says for a fact. Raises NoConsentError where it says nothing that fits."""
    value = {
        "given_on": stands.given_on,
        "given_by": stands.given_by,
        "how": stands.how,
        "wording": stands.wording,
    }[rule.record or ""]
    if value is None:
        raise NoConsentError(
            ErrorCode.NOT_READY, f"{rule.title} your record does not say: {RECORD_FIRST}"
        )
    if rule.type != "committed" and not fits(rule, value):
        said = value.replace("_", " ")
        raise NoConsentError(
            ErrorCode.NOT_ALLOWED, f"{rule.title} The lawful basis does not take: {said}"
        )
    return value
