"""People's news over the local interface. No name or id is in an address.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from typing import Annotated

from pydantic import Field

from node.actions.news import mark_news_seen, read_news
from node.actions.register import who_acts
from node.config import MailWish
from node.records import people
from node.service import NodeService
from node.store.news import NewsKind, NewsLevel
from node.web.calls import Act, Answer, Person, Said, Text
from protocol.fields import Count, WireModel


class NewsIn(WireModel):
    """Whose news, by name: what was seen too, where `all` is true. `seen`: whether what is answered
    counts as seen from now on.
    """

    practitioner: Person
    all: bool
    seen: bool


class MailIn(WireModel):
    """How somebody hears by mail of news; `to` null: where they did before, empty: at the address
    on their card.
    """

    name: Said
    mail: Annotated[MailWish, Field(strict=False)]
    to: Text | None = None


class LineOut(Answer):
    """A line of news: what happened to which clients of ours, in words, and when. `level`: how
    people are told of it; `topic`: its kind, or finer; `numbers`: the lines that it stands for.
    """

    hub: str
    kind: NewsKind
    topic: str
    level: NewsLevel
    at: Count
    seen: bool
    clients: list[str]
    count: Count
    agency: str | None
    label: str | None
    request_id: str | None
    says: str
    numbers: list[Count]


class NewsOut(Answer):
    """A person's lines, the newest first."""

    news: list[LineOut]


class MailOut(Answer):
    """How they hear by mail from now on."""

    mail: MailWish


async def news(service: NodeService, body: NewsIn) -> NewsOut:
    """Show a person's news at every hub."""
    person = await who_acts(service, body.practitioner)
    lines = await read_news(service, person, everything=body.all)
    if body.seen:
        await mark_news_seen(service, lines)
    return NewsOut.of({"news": lines})


async def mail(service: NodeService, body: MailIn) -> MailOut:
    """Say how somebody hears by mail."""
    await service.membership.engine.write(
        lambda tables: people.set_mail(tables, body.name, body.mail, body.to)
    )
    return MailOut(mail=body.mail)


CALLS: dict[str, Act] = {
    "/v1/news": news,
    "/v1/people/mail": mail,
}
"""What may be posted where."""
