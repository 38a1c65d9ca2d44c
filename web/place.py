"""Where a site is: which addresses and forms are its own."""

from dataclasses import dataclass

from aiohttp import web

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

    def is_from_here(self, request: web.Request) -> bool:
        """Whether a form was sent from one of our own pages."""
        origin = request.headers.get("Origin", "")
        return origin == (self.address or f"http://{request.host}")
