"""Where a site is, as browsers know it: its address, its origin, and the domain of passkeys."""

import re
from dataclasses import dataclass

from aiohttp import web

ELSEWHERE = frozenset({"cross-site", "same-site"})
HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class Place:
    """Where a site is: its own address as people type it; empty on this machine alone."""

    address: str = ""

    @property
    def is_secure(self) -> bool:
        """Whether cookies travel over https alone."""
        return self.address.startswith("https://")

    def is_ours(self, host: str) -> bool:
        """Whether a Host header is ours: another may be a page that has found this machine."""
        if self.address:
            return self.address.partition("://")[2] == host
        return (host.rpartition(":")[0] or host) in HERE

    def origin(self, request: web.Request) -> str:
        """Our own origin, as a browser has it."""
        return self.address or f"http://{request.host}"

    def domain(self, request: web.Request) -> str:
        """The domain that passkeys are for; "" where browsers allow none: neither https nor here,
        or a bare number.
        """
        host = self.origin(request).partition("://")[2].partition(":")[0]
        allowed = re.search("[a-z]", host) if self.is_secure else host == "localhost"
        return host if allowed else ""

    def came_by_a_link(self, request: web.Request) -> bool:
        """Whether somebody followed a link from elsewhere: the browser keeps strict cookies back,
        and brings them to the same address when a page of ours leads there.
        """
        return request.method == "GET" and request.headers.get("Sec-Fetch-Site") in ELSEWHERE

    def is_from_here(self, request: web.Request) -> bool:
        """Whether a form was sent from one of our own pages."""
        return request.headers.get("Origin", "") == self.origin(request)
