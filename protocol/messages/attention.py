"""Bodies by which a team is alerted and an organisation asked for: specs/06-requests.md §13, §14.

Neither holds free text about a client: attention is a code of the charter's, an invite the name and
the telephone of an organisation.
"""

from protocol.contact import Phone
from protocol.fields import Base64, Code, Count, Hex16, Hex32, Name, WireModel
from protocol.messages.parts import RequestPractitioner


class AttentionPins(WireModel):
    """Statement ids of what the sender relied on; to whom it goes it does not know."""

    publication: Hex32
    requester_membership: Hex32
    charter: Hex32


class AttentionBody(WireModel):
    """`attention`: to the team around a client of the sender's, why in a code of the charter's."""

    attention_id: Hex16
    stub_id: Hex16
    practitioner: RequestPractitioner
    kind: Code
    pins: AttentionPins


class AttentionNoticeBody(WireModel):
    """`attention_notice`: an agency that sees the sender's work with a client is told. Signed by
    the hub, not logged; the `attention` inside is the sender's envelope, logged at `index`.

    `link_id` and `stub_id` are the reader's own: about which of its clients it is.
    """

    attention: Base64
    index: Count
    salt: Hex32
    link_id: Hex16
    stub_id: Hex16


class InviteBody(WireModel):
    """`invite`: a member asks the council to invite an organisation. Names no client."""

    name: Name
    duty_line: Phone
    member_class: Code
    invited_by: Hex16
