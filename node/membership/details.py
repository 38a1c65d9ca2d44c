"""What an agency says of itself to everybody: its name, duty line and hours (02-charter.md §9)."""

from node.membership.hub import HubMembership
from protocol.messages.members import DetailsBody


async def change_details(
    membership: HubMembership, name: str | None, duty_line: str | None, duty_hours: str | None
) -> None:
    """Sign what changes (None stays as it is) in the agency's name; a public leaf.

    Raises RemoteError, LocalError before we are a member.
    """
    await membership.sync()
    await membership.say(
        DetailsBody(
            sequence=membership.me().details + 1,
            name=name,
            duty_line=duty_line,
            duty_hours=duty_hours,
        )
    )
