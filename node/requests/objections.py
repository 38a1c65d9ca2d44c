"""A client's objection, where a request is decided: whether one stands, and who may override it.

specs/06-requests.md §2 and §3. Who may, on which basis and for what, is the charter's to say.
"""

from node.membership.hub import HubMembership
from node.store.records import Involvement
from node.store.requests import ReceivedRequest
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.requests.disclosure import Override
from protocol.requests.overrides import may_override, overrides


def objection_to(
    tables: NodeTables,
    membership: HubMembership,
    request: ReceivedRequest,
    asked: Involvement | None,
) -> int | None:
    """The newest objection (its number) that stands against sharing `asked`, the work that a
    request asks for, with who asks.
    """
    member = membership.directory.member(request.requester)
    if asked is None or member is None:
        return None
    return tables.objections.newest(asked.client, member.body.member_class)


def is_overridable(membership: HubMembership, basis: str) -> bool:
    """Whether somebody of ours may decide in spite of an objection on this basis."""
    holder = membership.me().body.member_class
    return may_override(membership.charter.lawful_basis(basis), holder)


def check_override(membership: HubMembership, basis_code: str, said: Override | None) -> None:
    """Raise LocalError unless somebody overrides an objection as the basis lets them."""
    basis, holder = membership.charter.lawful_basis(basis_code), membership.me().body.member_class
    if said is not None and overrides(basis, holder, (said.role, said.reason)):
        return
    rule = basis.objection if basis is not None else None
    reasons = ", ".join(item.code for item in rule.reasons) if rule else "none"
    roles = ", ".join(rule.roles) if rule else "nobody"
    raise LocalError(
        ErrorCode.NOT_ALLOWED,
        "the client objects; the sharing agreement lets that be overridden for one of these "
        f"reasons: {reasons}; by somebody in one of these roles: {roles}",
    )
