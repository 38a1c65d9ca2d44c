"""The match-key policy of a charter, specs/04-matching.md §6: keys, weights, thresholds, guard.

Data, agreed by all members and hashed into the charter. Weights are integers in hundredths of
natural-log odds, since canonical JSON has no floats. A policy is bytes from outside: it says how to
score, never which code to run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, RemoteError

MAX_KEYS = 32
MAX_WEIGHT = 10_000
MAX_CAP = 16
MAX_STOP_RECORDS = 1_000_000
KEY_ID = re.compile(r"[a-z][a-z0-9_]{1,39}\.[1-9][0-9]{0,3}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_FIELDS = frozenset(
    {"name", "version", "keys", "bias", "upper", "lower", "strong_id", "operating_point"}
    | {"guard_given", "contested", "stop_token_records"}
)
_KEY_FIELDS = frozenset({"id", "agree", "disagree", "cap", "place"})
_CONTESTED_FIELDS = frozenset({"margin", "close", "worse"})

OperatingPoint = Literal["guarded", "open"]


@dataclass(frozen=True)
class KeyWeights:
    """One key type: hundredths for agree and disagree, most tokens a stub, whether it has place."""

    agree: int
    disagree: int
    cap: int
    place: bool


@dataclass(frozen=True)
class Contested:
    """What a rival costs a pair, in hundredths, none above zero (specs/04-matching.md §7.2).

    `close` if the best rival scores as much or less, by not more than `margin`; `worse` if it
    scores more.
    """

    margin: int
    close: int
    worse: int


@dataclass(frozen=True)
class MatchPolicy:
    """How to score a pair. `keys` is in the order of the charter; thresholds are hundredths."""

    name: str
    version: int
    keys: Mapping[str, KeyWeights]
    bias: int
    upper: int
    lower: int
    strong_id: str | None
    operating_point: OperatingPoint
    guard_given: frozenset[str]
    contested: Contested
    stop_token_records: int

    def to_json(self) -> dict[str, JsonValue]:
        """The value that goes into a charter; parse_policy reads it back."""
        return {
            "name": self.name,
            "version": self.version,
            "bias": self.bias,
            "upper": self.upper,
            "lower": self.lower,
            "strong_id": self.strong_id,
            "operating_point": self.operating_point,
            "guard_given": sorted(self.guard_given),
            "contested": {
                "margin": self.contested.margin,
                "close": self.contested.close,
                "worse": self.contested.worse,
            },
            "stop_token_records": self.stop_token_records,
            "keys": [_key_json(key_id, key) for key_id, key in self.keys.items()],
        }


def parse_policy(value: JsonValue) -> MatchPolicy:
    """Read a policy of a charter. Raises RemoteError and nothing else."""
    fields = _object(value, _FIELDS, "match policy")
    keys = _keys(fields["keys"])
    policy = MatchPolicy(
        name=_text(fields["name"], _NAME, "name"),
        version=_integer(fields["version"], (1, MAX_WEIGHT), "version"),
        keys=keys,
        bias=_weight(fields["bias"], "bias"),
        upper=_weight(fields["upper"], "upper"),
        lower=_weight(fields["lower"], "lower"),
        strong_id=_strong_id(fields["strong_id"], keys),
        operating_point=_operating_point(fields["operating_point"]),
        guard_given=_key_set(fields["guard_given"], keys, "guard_given"),
        contested=_contested(fields["contested"]),
        stop_token_records=_integer(
            fields["stop_token_records"], (2, MAX_STOP_RECORDS), "stop_token_records"
        ),
    )
    if policy.lower > policy.upper:
        raise _malformed("lower")
    return policy


def _keys(value: JsonValue) -> Mapping[str, KeyWeights]:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MAX_KEYS:
        raise _malformed("keys")
    keys: dict[str, KeyWeights] = {}
    for item in value:
        fields = _object(item, _KEY_FIELDS, "match policy key")
        key_id = _text(fields["id"], KEY_ID, "id")
        place = fields["place"]
        if key_id in keys or not isinstance(place, bool):
            raise _malformed("keys")
        agree, disagree = _weight(fields["agree"], "agree"), _weight(fields["disagree"], "disagree")
        # A key whose difference speaks for a match, or whose equality against, is a mistake.
        if agree < 0 or disagree > 0:
            raise _malformed("agree or disagree")
        cap = _integer(fields["cap"], (1, MAX_CAP), "cap")
        keys[key_id] = KeyWeights(agree, disagree, cap, place)
    return MappingProxyType(keys)


def _contested(value: JsonValue) -> Contested:
    fields = _object(value, _CONTESTED_FIELDS, "match policy contested")
    contested = Contested(
        margin=_integer(fields["margin"], (0, MAX_WEIGHT), "margin"),
        close=_integer(fields["close"], (-MAX_WEIGHT, 0), "close"),
        worse=_integer(fields["worse"], (-MAX_WEIGHT, 0), "worse"),
    )
    if contested.worse > contested.close:
        raise _malformed("worse")
    return contested


def _operating_point(value: JsonValue) -> OperatingPoint:
    if value == "guarded":
        return "guarded"
    if value == "open":
        return "open"
    raise _malformed("operating_point")


def _strong_id(value: JsonValue, keys: Mapping[str, KeyWeights]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in keys:
        raise _malformed("strong_id")
    return value


def _key_json(key_id: str, key: KeyWeights) -> dict[str, JsonValue]:
    return {
        "id": key_id,
        "agree": key.agree,
        "disagree": key.disagree,
        "cap": key.cap,
        "place": key.place,
    }


def _object(value: JsonValue, names: frozenset[str], what: str) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise _malformed(what)
    if value.keys() != names:
        raise RemoteError(
            ErrorCode.UNKNOWN_FIELD, f"{what} has not the fields of the specification"
        )
    return value


def _key_set(value: JsonValue, keys: Mapping[str, KeyWeights], field: str) -> frozenset[str]:
    if not isinstance(value, (list, tuple)):
        raise _malformed(field)
    named = [item for item in value if isinstance(item, str) and item in keys]
    if len(named) != len(value) or len(set(named)) != len(named):
        raise _malformed(field)
    return frozenset(named)


def _weight(value: JsonValue, field: str) -> int:
    return _integer(value, (-MAX_WEIGHT, MAX_WEIGHT), field)


def _integer(value: JsonValue, bounds: tuple[int, int], field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(field)
    if not bounds[0] <= value <= bounds[1]:
        raise _malformed(field)
    return value


def _text(value: JsonValue, pattern: re.Pattern[str], field: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _malformed(field)
    return value


def _malformed(field: str) -> RemoteError:
    return RemoteError(ErrorCode.MALFORMED, f"match policy: {field} is not valid")
