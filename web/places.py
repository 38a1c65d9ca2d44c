"""Where somebody can go: the navigation, and what a page lists in words to keep that short."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Listed(Protocol):
    """What is needed of a row of the table of pages."""

    @property
    def path(self) -> str:
        """Its address."""

    @property
    def roles(self) -> frozenset[str] | None:
        """Who may open it."""

    @property
    def nav(self) -> str:
        """The words' key, if it has a place."""

    @property
    def room(self) -> str:
        """The address of the page that lists it; empty: the navigation has it."""


def places(
    pages: Sequence[Listed], say: Callable[..., str], roles: frozenset[str], path: str
) -> dict[str, Any]:
    """`nav`: the navigation, with where somebody is as aria-current has it; `rooms`: what the page
    at `path` lists.
    """
    mine = [page for page in pages if page.nav and page.roles is not None and page.roles & roles]
    inside = {page.room for page in mine if path == page.path or path.startswith(f"{page.path}/")}

    def here(place: Listed) -> str:
        if place.path == path:
            return "page"
        return "true" if place.path in inside else ""

    return {
        "nav": [
            {"href": page.path, "text": say(page.nav), "here": here(page)}
            for page in mine
            if not page.room
        ],
        "rooms": [
            {"href": page.path, "text": say(page.nav), "says": say(f"{page.nav}_says")}
            for page in mine
            if page.room == path
        ],
    }
