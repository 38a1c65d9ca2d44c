"""What this agency's clients object to, as values; and who may override it for what."""

from dataclasses import asdict
from typing import Any

from node.membership.hub import HubMembership
from node.store.tables import NodeTables


def objections_value(tables: NodeTables, _membership: HubMembership) -> list[dict[str, Any]]:
    """Every objection, those that were taken back too, the oldest first."""
    return [asdict(item) for item in tables.objections.all()]


def override_value(membership: HubMembership, basis_code: str) -> dict[str, Any] | None:
    """For which reasons, and in which roles, an objection may be overridden on a basis; None where
    nobody here may.
    """
    basis = membership.charter.lawful_basis(basis_code)
    rule = basis.objection if basis is not None else None
    if rule is None or membership.me().body.member_class not in rule.holder_classes:
        return None
    return {"reasons": {item.code: item.title for item in rule.reasons}, "roles": rule.roles}
