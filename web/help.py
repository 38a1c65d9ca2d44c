"""The help of a site: a page a journey, for everybody, also for somebody who cannot get in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from web.site import Answer, Page, Shown, Visit

Own = TypeVar("Own")
MOST = 20


@dataclass(frozen=True)
class Help:
    """`topics`: the journeys, each with a pattern of its pages' addresses; the first that fits a
    page is its help. The words are in the site's `help.toml`: steps, what is asked and answered.
    """

    topics: Mapping[str, str]

    def for_page(self, path: str) -> str:
        """The address of the help with a page."""
        found = (topic for topic, pages in self.topics.items() if re.fullmatch(pages, path))
        topic = next(found, "")
        return f"/help/{topic}" if topic else "/help"

    def pages(self) -> list[Page[Own]]:
        """The rows of the site's table."""
        return [Page("/help", None, self._show_all), Page("/help/{topic}", None, self._show)]

    async def _show_all(self, _visit: Visit[Own]) -> Answer:
        return Shown("help/all.html", {"topics": list(self.topics)})

    async def _show(self, visit: Visit[Own]) -> Answer:
        topic, words = visit.place["topic"], visit.site.look.words
        if topic not in self.topics:
            raise web.HTTPNotFound

        def listed(kind: str) -> list[str]:
            keys = (f"help.{topic}.{kind}.{n}" for n in range(1, MOST))
            return [words(key) for key in keys if words.has(key)]

        asked = zip(listed("asked"), listed("answered"), strict=True)
        values = {"topic": topic, "steps": listed("step"), "asked": list(asked)}
        return Shown("help/one.html", values)
