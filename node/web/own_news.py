"""People's news over the local interface. No name or id is in an address.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from node.actions.news import mark_news_seen, read_news
from node.actions.register import who_acts
from node.config import MailWish
from node.records import people
from node.service import NodeService
from protocol.fields import WireModel

PersonName = Annotated[str, Field(max_length=200)]


class NewsIn(WireModel):
    """Whose news, by name: what was seen too, where `all` is true. `seen`: whether what is answered
    counts as seen from now on.
    """

    practitioner: PersonName
    all: bool
    seen: bool


class MailIn(WireModel):
    """How somebody hears by mail of news; `to` null: where they did before, empty: at the address
    on their card.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    mail: Annotated[MailWish, Field(strict=False)]
    to: Annotated[str, Field(max_length=200)] | None = None


async def news(service: NodeService, body: NewsIn) -> dict[str, object]:
    """A person's lines at every hub."""
    person = await who_acts(service, body.practitioner)
    lines = await read_news(service, person, everything=body.all)
    if body.seen:
        await mark_news_seen(service, lines)
    return {"news": lines}


async def mail(service: NodeService, body: MailIn) -> dict[str, object]:
    """Say how somebody hears by mail."""
    await service.membership.engine.write(
        lambda tables: people.set_mail(tables, body.name, body.mail, body.to)
    )
    return {"mail": body.mail.value}


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/news": (NewsIn, news),
    "/v1/people/mail": (MailIn, mail),
}
"""What may be posted where: the body, and what answers it."""
