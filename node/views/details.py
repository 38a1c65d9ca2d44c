"""What the log says of this agency to everybody (specs/02-charter.md §9)."""

from node.membership.hub import HubMembership
from node.store.tables import NodeTables


def details_value(_tables: NodeTables, membership: HubMembership) -> dict[str, str]:
    """Our name, duty line and hours, for scripts. Raises LocalError before we are a member."""
    body = membership.me().body
    return {"name": body.name, "duty_line": body.duty_line, "duty_hours": body.duty_hours}
