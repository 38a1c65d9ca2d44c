"""Who may decide in spite of a client's objection: specs/02-charter.md §4. Pure."""

from protocol.governance.charter import LawfulBasis, ObjectionRule


def may_override(basis: LawfulBasis | None, holder_class: str) -> bool:
    """Whether a basis lets an agency of this class decide in spite of a client's objection."""
    return _override_rule(basis, holder_class) is not None


def overrides(basis: LawfulBasis | None, holder_class: str, said: tuple[str, str]) -> bool:
    """Whether somebody in a role may override an objection for a reason (in this order)."""
    rule, (role, reason) = _override_rule(basis, holder_class), said
    if rule is None:
        return False
    return role in rule.roles and reason in {item.code for item in rule.reasons}


def _override_rule(basis: LawfulBasis | None, holder_class: str) -> ObjectionRule | None:
    rule = basis.objection if basis is not None else None
    return rule if rule is not None and holder_class in rule.holder_classes else None
