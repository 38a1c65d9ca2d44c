"""Withholding clients over the local interface: two people together keep a record unpublished.

specs/07-transport.md §1, 09-imports.md §12.
"""

from datetime import date

from node.actions.register import who_acts
from node.actions.withholding import (
    agree_to_withholding,
    end_withholding,
    propose_withholding,
)
from node.records.withholding import Wish
from node.service import NodeService
from node.views.withheld import withheld_value
from node.web.calls import Act, Answer, Day, LocalId, NothingIn, Number, Person, Text, read_now
from node.web.own_clients import ClientIdOut
from protocol.fields import Count, WireModel


class WithholdIn(WireModel):
    """A client to be withheld, why, to the end of which day, and when to look at it again."""

    client: LocalId
    reason: Text
    until: Day
    review: Day
    practitioner: Person


class WithheldIn(WireModel):
    """Something that is withheld, by its number."""

    number: Number
    practitioner: Person


class WithholdOut(Answer):
    """The number of what was proposed."""

    number: Count


class EndedOut(Answer):
    """Whether it has ended; else the other one of the two has to say so, too."""

    ended: bool


class WithheldOut(Answer):
    """A client who is withheld, or proposed to be. `due`: it is to be looked at. `expires_at` and
    `review_on` are null of one that a backup brought back.
    """

    id: Count
    client: str
    reason: str
    in_force: bool
    expires_at: Count | None
    review_on: str | None
    due: bool
    proposed_by: str | None
    agreed_by: str | None
    ending_by: str | None


class WithheldListOut(Answer):
    """All that is proposed or in force, the oldest first."""

    withheld: list[WithheldOut]


async def withhold(service: NodeService, body: WithholdIn) -> WithholdOut:
    """Say that a client is to be withheld: the other one of the two has to agree."""
    person = await who_acts(service, body.practitioner)
    until, review = (date.fromisoformat(text) for text in (body.until, body.review))
    wish = Wish(body.client, body.reason, until, review)
    return WithholdOut(number=await propose_withholding(service, wish, person))


async def withhold_agree(service: NodeService, body: WithheldIn) -> ClientIdOut:
    """Agree that a client is withheld: nobody finds them from now on."""
    person = await who_acts(service, body.practitioner)
    return ClientIdOut(client=await agree_to_withholding(service, body.number, person))


async def withhold_end(service: NodeService, body: WithheldIn) -> EndedOut:
    """Say that it is to end before its time."""
    person = await who_acts(service, body.practitioner)
    return EndedOut(ended=await end_withholding(service, body.number, person))


async def withheld(service: NodeService, _body: NothingIn) -> WithheldListOut:
    """Show who is withheld, until when, and what is to be looked at."""
    return WithheldListOut.of({"withheld": await read_now(service, withheld_value)})


CALLS: dict[str, Act] = {
    "/v1/clients/withhold": withhold,
    "/v1/clients/withhold/agree": withhold_agree,
    "/v1/clients/withhold/end": withhold_end,
    "/v1/clients/withhold/list": withheld,
}
"""What may be posted where."""
