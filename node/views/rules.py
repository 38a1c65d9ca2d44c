"""Which requests are answered by rule here, by lawful basis and class, as values."""

from typing import Any

from node.config import NodeSettings
from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.requests.answers import rule_may_allow
from protocol.requests.decide import allows_break_glass


def rules_value(
    tables: NodeTables, membership: HubMembership, settings: NodeSettings
) -> list[dict[str, Any]]:
    """The bases on which a rule may allow requests to us, by our own codes, each with the classes
    that can ask so: whether they are answered by rule, and whether node.toml has said so for both
    (`is_fixed`).
    """
    charter, agreement, chosen = membership.charter, membership.agreement, tables.answer_rules.all()
    member = membership.directory.member(membership.hub.party_id)
    own_class = member.body.member_class if member is not None else ""
    titles = {one.code: one.title for one in charter.classes}
    found = []
    for basis in charter.lawful_bases:
        usable = basis.in_force == "yes" and own_class in basis.holder_classes
        if not usable or allows_break_glass(basis):
            continue
        own = agreement.own_basis(basis.code)
        classes = [
            {
                "code": code,
                "title": titles.get(code, code),
                "allows": settings.rule_for(own, code, chosen.get((own, code))) == "allow",
                "is_fixed": code in settings.answer_rules.get(own, {}),
            }
            for code in basis.requester_classes
            if rule_may_allow(basis, code)
        ]
        if classes:
            found.append({"basis": own, "title": basis.title, "classes": classes})
    return found
