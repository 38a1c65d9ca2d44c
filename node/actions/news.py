"""A person's news: read and seen. What commands, API and browser do.

It is the agency's own list: of every hub that the node has joined.
"""

from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from node.service import NodeService
from node.views.news import Reader, news_value


async def read_news(
    service: NodeService, person: int, *, everything: bool = False
) -> list[dict[str, Any]]:
    """A person's (a row's id) lines at every hub, the newest first: those not seen yet, or all.
    Raises LocalError.
    """
    reader = Reader(person, ZoneInfo(service.time_zone), everything)
    found = await service.read_each(partial(news_value, reader=reader))
    lines = [{"hub": hub, **value} for hub, values in found for value in values]
    return sorted(lines, key=lambda line: -line["at"])


async def mark_news_seen(service: NodeService, lines: list[dict[str, Any]]) -> None:
    """These were shown to the person whose they are."""
    now = service.membership.env.clock()
    numbers = [number for line in lines for number in line["numbers"]]
    await service.membership.engine.write(lambda tables: tables.news.mark_seen(numbers, now))
