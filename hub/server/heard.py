"""Who is heard of, and with which version of the program: for the operator's page of members."""

import re
from contextlib import suppress

from hub.store.office import HeardOf
from hub.store.tables import HubEngine
from protocol.dsse import parse_envelope
from protocol.errors import PatchworkError
from protocol.fields import from_base64
from protocol.messages.statement import sender_of
from protocol.wire import Message
from runtime.environment import Environment
from transport.client import AGENT

AGAIN_SECONDS = 3600
_VERSION = re.compile(re.escape(AGENT) + r"([0-9A-Za-z.+-]{1,20})")


class Heard:
    """What members that ask for their mail are noted with, once an hour each."""

    def __init__(self, engine: HubEngine, env: Environment) -> None:
        self._engine, self._env = engine, env
        self._noted: dict[str, HeardOf] = {}

    async def note(self, message: Message, agent: str) -> None:
        """A poll was answered, whose client calls itself so. What cannot be noted is left out."""
        found, now = _VERSION.fullmatch(agent), self._env.clock()
        sender = sender_of(parse_envelope(from_base64(message.envelope)))
        heard = HeardOf(sender, found[1] if found else "", now)
        before = self._noted.get(sender)
        if before and before.version == heard.version and now < before.at + AGAIN_SECONDS:
            return
        self._noted[sender] = heard
        with suppress(PatchworkError):
            await self._engine.write(lambda tables: tables.office.hear(heard))
