"""Who is heard of, and with which version of the program: for the operator's page of members."""

import re
from contextlib import suppress

from hub.server.services import Services
from hub.store.office import HeardOf
from protocol.dsse import parse_envelope
from protocol.errors import PatchworkError
from protocol.fields import from_base64
from protocol.messages.statement import sender_of
from protocol.wire import Message
from transport.client import AGENT

AGAIN_SECONDS = 3600
_VERSION = re.compile(re.escape(AGENT) + r"([0-9A-Za-z.+-]{1,20})")


class Heard:
    """What members that ask for their mail are noted with, once an hour each."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._noted: dict[str, HeardOf] = {}

    async def note(self, message: Message, agent: str) -> None:
        """A poll was answered, whose client calls itself so. What cannot be noted is left out."""
        found, now = _VERSION.fullmatch(agent), self._services.signer.env.clock()
        sender = sender_of(parse_envelope(from_base64(message.envelope)))
        heard = HeardOf(sender, found[1] if found else "", now)
        before = self._noted.get(sender)
        if before and before.version == heard.version and now < before.at + AGAIN_SECONDS:
            return
        self._noted[sender] = heard
        with suppress(PatchworkError):
            await self._services.engine.write(lambda tables: tables.office.hear(heard))
