"""Help: a page a journey, for everybody, also for somebody who cannot get in."""

import re

from aiohttp import web

from node.web.pages.desk import NodePage, NodeVisit
from web.site import Answer, Shown

TOPICS = {
    "start": r"/",
    "sign_in": r"/(sign-in|sign-out|welcome)\b.*",
    "adding": r"/clients/(add|find)\b.*",
    "changing": r"/clients/\d+/(correct|close|hand-over|reason)",
    "asking": r"/(asking|requests)\b.*|/clients/\d+/(ask|introduce)/.*",
    "answering": r"/inbox\b.*",
    "attention": r"/clients/\d+/attention/.*|/invite/.*",
    "finding": r"/clients\b.*",
    "news": r"/news\b.*",
    "governance": r"/governance\b.*",
    "administration": r"/administration\b.*",
}
"""The journeys, each with the addresses of its pages; the first that fits has a page."""


def help_for(path: str) -> str:
    """The address of the help with a page."""
    found = (topic for topic, pages in TOPICS.items() if re.fullmatch(pages, path))
    topic = next(found, "")
    return f"/help/{topic}" if topic else "/help"


async def show_all(_visit: NodeVisit) -> Answer:
    """Show what there is help with."""
    return Shown("help/all.html", {"topics": list(TOPICS)})


async def show(visit: NodeVisit) -> Answer:
    """Show the help with one journey: numbered steps, then what people ask."""
    topic, words = visit.place["topic"], visit.site.look.words
    if topic not in TOPICS:
        raise web.HTTPNotFound

    def listed(kind: str) -> list[str]:
        keys = (f"help.{topic}.{kind}.{n}" for n in range(1, 20))
        return [words(key) for key in keys if words.has(key)]

    asked = zip(listed("asked"), listed("answered"), strict=True)
    values = {"topic": topic, "steps": listed("step"), "asked": list(asked)}
    return Shown("help/one.html", values)


PAGES = [NodePage("/help", None, show_all), NodePage("/help/{topic}", None, show)]
