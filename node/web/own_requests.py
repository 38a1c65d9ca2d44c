"""Asking over the local interface: the team, to whom and on what a request may go, drafts, inbox.

specs/07-transport.md §1. No id or name is in an address.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field

from node.actions import asking as acts
from node.actions.register import who_acts
from node.service import NodeService
from node.views.bases import offered_value
from node.views.drafts import drafts_value
from node.views.inbox import inbox_value
from node.views.team import family_of, team_value
from node.web.calls import Act, LocalId, NothingIn, Person, Text
from node.web.shown_requests import (
    AskedOut,
    DraftIdOut,
    DraftsOut,
    InboxOut,
    OfferedOut,
    TeamsOut,
)
from protocol.errors import ErrorCode, LocalError
from protocol.fields import WireModel
from protocol.requests.sealing import FACT_LIMIT

DraftNumber = Annotated[int, Field(ge=0, le=2**40)]
Typed = Annotated[str, Field(min_length=1, max_length=FACT_LIMIT)]


class TeamIn(WireModel):
    """Whose team, and whether with those of relatives who are clients too."""

    client: LocalId
    family: bool = False


class WhomIn(WireModel):
    """Whom somebody wants to ask: an entry of a client's team."""

    client: LocalId
    reference: Text
    practitioner: Person


class AskIn(WireModel):
    """A request: of an entry of a client's team, or what a draft says (its number, else 0).

    `needed_by` is a day, or empty: as the draft says. `facts` as typed: committed ones leave only
    sealed.
    """

    client: Annotated[str, Field(max_length=80)] = ""
    reference: Text = ""
    draft: DraftNumber = 0
    role: Text
    purpose: Text
    basis: Text
    facts: Annotated[dict[Text, Typed], Field(max_length=12)]
    needed_by: Text = ""
    practitioner: Person


class DraftIn(WireModel):
    """A draft, by its number."""

    draft: DraftNumber


async def team(service: NodeService, body: TeamIn) -> TeamsOut:
    """Show the team around a client, and those of relatives if `family` says so."""
    found = await service.read(partial(family_of, local_id=body.client))
    teams = [{"client": one, "relation": what, **team_value(of)} for one, what, of in found]
    return TeamsOut.of({"teams": teams if body.family else teams[:1]})


async def inbox(service: NodeService, _body: NothingIn) -> InboxOut:
    """Show requests to us and by us."""
    return InboxOut.of(await service.read(inbox_value))


async def offered(service: NodeService, body: WhomIn) -> OfferedOut:
    """Show to whom a request would go, and what there is to choose from."""
    person = await who_acts(service, body.practitioner)
    choices = await acts.begin(service, person, body.client, body.reference)
    to = choices.addressee
    return OfferedOut.of(
        {
            "to": to.title,
            "duty_line": to.duty_line,
            "duty_hours": to.duty_hours,
            "roles": list(choices.roles),
            "purposes": offered_value(choices.offered),
            "days": [day.isoformat() for _, day in choices.days],
        }
    )


async def ask(service: NodeService, body: AskIn) -> AskedOut:
    """Ask, and send at once. What cannot be sent stays as a draft."""
    if bool(body.draft) == bool(body.client):
        raise LocalError(ErrorCode.MALFORMED, "say a client and a reference, or a draft")
    person = await who_acts(service, body.practitioner)
    choices = await acts.begin(service, person, body.client, body.reference, body.draft)
    grounds = acts.Grounds(body.purpose, body.basis, body.facts)
    wanted = acts.Ask(
        choices.client,
        choices.addressee,
        person,
        body.role,
        grounds,
        needed_by=choices.draft.needed_by if choices.draft else None,
        draft=body.draft,
    )
    kept = replace(wanted, draft=await acts.keep_draft(service, wanted))
    sent = await acts.send_kept(service, kept, body.needed_by)
    value = await service.read(inbox_value)
    item = next(item for item in value["sent"] if item["request_id"] == sent)
    return AskedOut.of({**item, "to": choices.addressee.title})


async def drafts(service: NodeService, _body: NothingIn) -> DraftsOut:
    """Show what could not be sent, or was refused."""
    return DraftsOut.of({"drafts": await service.read(drafts_value)})


async def drop(service: NodeService, body: DraftIn) -> DraftIdOut:
    """Delete a draft."""
    await acts.drop_draft(service, body.draft)
    return DraftIdOut(draft=body.draft)


CALLS: dict[str, Act] = {
    "/v1/team": team,
    "/v1/inbox": inbox,
    "/v1/requests/offered": offered,
    "/v1/requests/ask": ask,
    "/v1/requests/drafts": drafts,
    "/v1/requests/drafts/drop": drop,
}
"""What may be posted where."""
