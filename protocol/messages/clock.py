"""What the hub says of a request that nobody answered in time: specs/06-requests.md §9. Shape only.

By when it is to be answered is reckoned in protocol/requests/clock.py.
"""

from protocol.fields import Hex16, Hex32, Seconds, WireModel


class OverdueBody(WireModel):
    """`overdue`: the agency that was asked has not answered a request by `due`. Signed by the hub,
    to the asking agency, and shown to both.
    """

    request: Hex32
    request_id: Hex16
    due: Seconds
