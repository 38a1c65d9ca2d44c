"""The first page of everybody: where their work begins."""

from node.records.accounts import EVERYBODY, STAFF, Role
from node.web.pages.desk import NodePage, NodeVisit
from web.site import Answer, Go

FIRST = (
    (STAFF, "/clients"),
    (frozenset({Role.GOVERNANCE_LEAD}), "/governance"),
    (frozenset({Role.ADMINISTRATOR}), "/administration"),
)


async def show(visit: NodeVisit) -> Answer:
    """Lead to the page where somebody's work begins."""
    return Go(next(path for roles, path in FIRST if roles & visit.roles))


PAGES = [NodePage("/", EVERYBODY, show)]
