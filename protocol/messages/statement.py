"""Statements: a fixed preamble and a body, signed as a DSSE envelope (specs/01-statements.md §4).

The preamble binds every act to protocol version, kind, charter, log, recipient, sender and time,
so that nothing signed here can be replayed there.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Generic, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from protocol import canonical
from protocol.dsse import ENVELOPE_LIMIT, Envelope, parse_envelope, sign
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Code, Count, Hex16, Origin, Seconds, WireModel, refused_shape
from protocol.messages.kinds import KINDS, Kind, kind_of
from protocol.signing import SecretSeed

MAX_SKEW_SECONDS = 300
PARSED_ONCE = 128
"""Statements that are not parsed again while nothing newer has come: a few megabytes at most."""
_DAY = 86_400
_FIRST_DAY = date(1970, 1, 1).toordinal()
_LAST_SECOND = (date.max.toordinal() - _FIRST_DAY + 1) * _DAY - 1

Body = TypeVar("Body", bound=WireModel)
SubBody = TypeVar("SubBody", bound=WireModel)
BodyCo = TypeVar("BodyCo", bound=WireModel, covariant=True)


class Preamble(WireModel):
    """The nine fields at the head of every statement."""

    protocol: Annotated[int, Field(ge=1, le=1)]
    kind: Code
    charter_id: Hex16
    charter_version: Count
    log_origin: Origin
    aud: Hex16
    sender: Hex16
    nonce: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    iat: Seconds


_SENDER = re.compile(rb',"sender":"([0-9a-f]{32})"\}\Z')
_PREAMBLE_FIELDS = frozenset(Preamble.model_fields)


@dataclass(frozen=True)
class Statement(Generic[BodyCo]):
    """A parsed statement: preamble, typed body, and the envelope whose bytes were signed."""

    preamble: Preamble
    body: BodyCo
    envelope: Envelope

    @property
    def kind(self) -> Kind:
        """The row of the table of kinds."""
        return KINDS[self.preamble.kind]

    @property
    def id(self) -> str:
        """The statement id: hex SHA-256 of the pre-authentication encoding."""
        return self.envelope.statement_id

    def expect(self, body_type: type[SubBody]) -> "Statement[SubBody]":
        """This statement as one of the given kind. Raises RemoteError(UNKNOWN_KIND)."""
        if not isinstance(self.body, body_type):
            raise RemoteError(ErrorCode.UNKNOWN_KIND, f"a {self.preamble.kind} is not wanted here")
        return Statement(self.preamble, self.body, self.envelope)


@dataclass(frozen=True)
class Context:
    """Where a party stands when it signs: the federation, the charter version and its own id."""

    charter_id: str
    charter_version: int
    log_origin: str
    sender: str


@dataclass(frozen=True)
class Stamp:
    """What a caller draws for one statement: recipient, 16-byte nonce in hex, time of signing."""

    aud: str
    nonce: str
    iat: int


def make_statement(context: Context, stamp: Stamp, body: Body, seed: SecretSeed) -> Statement[Body]:
    """Build and sign a statement; the kind follows from the body's type."""
    kind = kind_of(type(body))
    preamble = Preamble(
        protocol=1,
        kind=kind,
        charter_id=context.charter_id,
        charter_version=context.charter_version,
        log_origin=context.log_origin,
        aud=stamp.aud,
        sender=context.sender,
        nonce=stamp.nonce,
        iat=stamp.iat,
    )
    payload = {**preamble.model_dump(mode="json"), "body": body.model_dump(mode="json")}
    return Statement(preamble, body, sign(kind, canonical.encode(payload), seed))


def parse_statement(data: bytes, *, limit: int = ENVELOPE_LIMIT) -> Statement[WireModel]:
    """Parse envelope bytes into a statement. Raises RemoteError only; checks no signature."""
    return _parsed(data, limit)


@lru_cache(maxsize=PARSED_ONCE)
def _parsed(data: bytes, limit: int) -> Statement[WireModel]:
    """Nothing changes a statement, and each step of its way asks what the same bytes say."""
    return open_envelope(parse_envelope(data, limit=limit))


def open_envelope(envelope: Envelope) -> Statement[WireModel]:
    """Parse the payload of an envelope. Raises RemoteError and nothing else."""
    value = canonical.parse(envelope.payload, limit=len(envelope.payload))
    if not isinstance(value, dict) or set(value) != _PREAMBLE_FIELDS | {"body"}:
        raise RemoteError(ErrorCode.UNKNOWN_FIELD, "a statement is the preamble and a body")
    kind = KINDS.get(envelope.kind)
    if kind is None or value["kind"] != envelope.kind:
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "kind is unknown or differs from payload type")
    preamble_value = {name: value[name] for name in _PREAMBLE_FIELDS}
    return Statement(
        _validate(Preamble, preamble_value), _validate(kind.body, value["body"]), envelope
    )


def sender_of(envelope: Envelope) -> str:
    """Who is said to have signed a payload that was not parsed yet. Raises RemoteError.

    In canonical form the sender stands last; what stands elsewhere is not looked at.
    """
    found = _SENDER.search(envelope.payload)
    if found is None:
        raise RemoteError(ErrorCode.MALFORMED, "a statement ends with its sender")
    if envelope.kind not in KINDS:
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "kind is unknown")
    return found[1].decode()


def check_addressed(preamble: Preamble, *, charter_id: str, log_origin: str, aud: str) -> None:
    """Refuse a statement made for another federation, log or recipient."""
    if preamble.charter_id != charter_id or preamble.log_origin != log_origin:
        raise RemoteError(ErrorCode.WRONG_CHARTER, "charter_id or log_origin is another's")
    if preamble.aud != aud:
        raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud names somebody else")


def check_fresh(preamble: Preamble, *, now: int, whose: str = "the council's") -> None:
    """Refuse a statement signed more than five minutes before or after `now`, by `whose` clock."""
    check_clocks(preamble.iat, now, whose)


def check_clocks(yours: int, other: int, whose: str = "the council's") -> None:
    """Refuse two times that are more than five minutes apart, and say both."""
    if abs(yours - other) > MAX_SKEW_SECONDS:
        raise RemoteError(ErrorCode.EXPIRED, clocks_differ(yours, other, whose))


def clocks_differ(yours: int, other: int, whose: str) -> str:
    """Two times that should be one, in words for a person, who may not know what UTC is."""
    (day, time), (their_day, their_time) = _in_words(yours), _in_words(other)
    said = time if day == their_day else f"{time} on {day}"
    return f"your clock says {said}, {whose} says {their_time} on {their_day} (all in UTC)"


def _in_words(seconds: int) -> tuple[str, str]:
    """A day and a time of it; what no calendar holds is the last that one does."""
    days, rest = divmod(max(0, min(seconds, _LAST_SECOND)), _DAY)
    day = date.fromordinal(_FIRST_DAY + days)
    return f"{day.day} {day:%B %Y}", f"{rest // 3600:02}:{rest % 3600 // 60:02}"


def _validate(model: type[Body], value: object) -> Body:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, model.__name__.removesuffix("Body").lower()) from None
