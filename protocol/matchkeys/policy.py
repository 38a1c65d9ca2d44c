"""The match-key policy of a charter, specs/04-matching.md §6: keys, weights, thresholds, guard.

Data, agreed by all members and hashed into the charter. Weights are integers in hundredths of
natural-log odds, since canonical JSON has no floats. A policy is bytes from outside: it says how to
score, never which code to run.
"""

import re
from collections.abc import Mapping, Sequence
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
_COMMON_FIELDS = frozenset(
    {"name", "version", "keys", "bias", "lower", "operating_point", "contested"}
    | {"stop_token_records"}
)
_FIELDS = _COMMON_FIELDS | {"identifier", "guards"}
_KEY_FIELDS = frozenset({"id", "agree", "disagree", "cap", "place"})
_GUARDS_FIELDS = frozenset({"guarded", "open"})
_GUARD_FIELDS = frozenset({"upper", "each_of", "vetoes", "bar"})
_VETO_FIELDS = frozenset({"agree", "differ", "unless"})
_CONTESTED_FIELDS = frozenset({"margin", "close", "worse", "elsewhere", "sure"})
# As charters had it that are from before vetoes; they stay in force until they are changed.
_OLD_FIELDS = _COMMON_FIELDS | {"upper", "strong_id", "guard_given"}
_OLD_CONTESTED_FIELDS = frozenset({"margin", "close", "worse"})

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
    scores more; `elsewhere` if the two fit two records of a third agency better. A fit counts
    there, and two stubs of one agency are one client twice, from the score `sure` on.
    """

    margin: int
    close: int
    worse: int
    elsewhere: int
    sure: int


@dataclass(frozen=True)
class Veto:
    """Not automatic where all of `agree` agree and all of `differ` differ, unless one of `unless`
    agrees.
    """

    agree: frozenset[str]
    differ: frozenset[str]
    unless: frozenset[str]


@dataclass(frozen=True)
class Guard:
    """What an automatic match takes: a score of `upper`, an agreeing type of each of `each_of`, no
    veto, and no rival of `bar` or more (None: rivals only cost).
    """

    upper: int
    each_of: tuple[frozenset[str], ...]
    vetoes: tuple[Veto, ...]
    bar: int | None


@dataclass(frozen=True)
class MatchPolicy:
    """How to score a pair. `keys` is in the order of the charter; thresholds are hundredths.

    `identifier` are the types made with the checked identifier. Of the two guards the one of the
    operating point holds.
    """

    name: str
    version: int
    keys: Mapping[str, KeyWeights]
    bias: int
    lower: int
    identifier: frozenset[str]
    operating_point: OperatingPoint
    guards: Mapping[OperatingPoint, Guard]
    contested: Contested
    stop_token_records: int

    @property
    def guard(self) -> Guard:
        """The guard of the operating point."""
        return self.guards[self.operating_point]

    @property
    def upper(self) -> int:
        """The score from which a match may be automatic."""
        return self.guard.upper

    def to_json(self) -> dict[str, JsonValue]:
        """The value that goes into a charter; parse_policy reads it back."""
        contested = self.contested
        return {
            "name": self.name,
            "version": self.version,
            "bias": self.bias,
            "lower": self.lower,
            "identifier": sorted(self.identifier),
            "operating_point": self.operating_point,
            "guards": {point: _guard_json(guard) for point, guard in self.guards.items()},
            "contested": {
                "margin": contested.margin,
                "close": contested.close,
                "worse": contested.worse,
                "elsewhere": contested.elsewhere,
                "sure": contested.sure,
            },
            "stop_token_records": self.stop_token_records,
            "keys": [_key_json(key_id, key) for key_id, key in self.keys.items()],
        }


def parse_policy(value: JsonValue) -> MatchPolicy:
    """Read a policy of a charter, also one from before vetoes. Raises RemoteError, nothing else."""
    old = isinstance(value, Mapping) and value.keys() == _OLD_FIELDS
    fields = _object(value, _OLD_FIELDS if old else _FIELDS, "match policy")
    keys = _keys(fields["keys"])
    identifier, guards, contested = (_old_rules if old else _rules)(fields, keys)
    policy = MatchPolicy(
        name=_text(fields["name"], _NAME, "name"),
        version=_integer(fields["version"], (1, MAX_WEIGHT), "version"),
        keys=keys,
        bias=_weight(fields["bias"], "bias"),
        lower=_weight(fields["lower"], "lower"),
        identifier=identifier,
        operating_point=_operating_point(fields["operating_point"]),
        guards=guards,
        contested=contested,
        stop_token_records=_integer(
            fields["stop_token_records"], (2, MAX_STOP_RECORDS), "stop_token_records"
        ),
    )
    if any(policy.lower > guard.upper for guard in guards.values()):
        raise _malformed("lower")
    return policy


_Rules = tuple[frozenset[str], Mapping[OperatingPoint, Guard], Contested]


def _rules(fields: Mapping[str, JsonValue], keys: Mapping[str, KeyWeights]) -> _Rules:
    guards = _object(fields["guards"], _GUARDS_FIELDS, "match policy guards")
    return (
        _key_set(fields["identifier"], keys, "identifier"),
        {"guarded": _guard(guards["guarded"], keys), "open": _guard(guards["open"], keys)},
        _contested(_object(fields["contested"], _CONTESTED_FIELDS, "match policy contested")),
    )


def _old_rules(fields: Mapping[str, JsonValue], keys: Mapping[str, KeyWeights]) -> _Rules:
    """The same in the new form: the strong identifier agrees, or a given name and a place do."""
    strong = frozenset[str]()
    if (key_id := fields["strong_id"]) is not None:
        strong = _key_set([key_id], keys, "strong_id")
    given = _key_set(fields["guard_given"], keys, "guard_given")
    places = frozenset(key_id for key_id, key in keys.items() if key.place)
    upper = _weight(fields["upper"], "upper")
    contested = _object(fields["contested"], _OLD_CONTESTED_FIELDS, "match policy contested")
    guarded = Guard(upper, (given | strong, places | strong), (), None)
    return (
        strong,
        {"guarded": guarded, "open": Guard(upper, (), (), None)},
        _contested({**contested, "elsewhere": 0, "sure": MAX_WEIGHT}),
    )


def _guard(value: JsonValue, keys: Mapping[str, KeyWeights]) -> Guard:
    fields = _object(value, _GUARD_FIELDS, "match policy guard")
    return Guard(
        upper=_weight(fields["upper"], "upper"),
        each_of=tuple(
            _key_set(item, keys, "each_of") for item in _list(fields["each_of"], "each_of")
        ),
        vetoes=tuple(_veto(item, keys) for item in _list(fields["vetoes"], "vetoes")),
        bar=None if fields["bar"] is None else _weight(fields["bar"], "bar"),
    )


def _veto(value: JsonValue, keys: Mapping[str, KeyWeights]) -> Veto:
    fields = _object(value, _VETO_FIELDS, "match policy veto")
    agree, differ, unless = (
        _key_set(fields[name], keys, "vetoes") for name in ("agree", "differ", "unless")
    )
    if not differ:
        raise _malformed("vetoes")
    return Veto(agree, differ, unless)


def _guard_json(guard: Guard) -> dict[str, JsonValue]:
    return {
        "upper": guard.upper,
        "each_of": [sorted(types) for types in guard.each_of],
        "vetoes": [
            {
                "agree": sorted(veto.agree),
                "differ": sorted(veto.differ),
                "unless": sorted(veto.unless),
            }
            for veto in guard.vetoes
        ],
        "bar": guard.bar,
    }


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


def _contested(fields: Mapping[str, JsonValue]) -> Contested:
    contested = Contested(
        margin=_integer(fields["margin"], (0, MAX_WEIGHT), "margin"),
        close=_integer(fields["close"], (-MAX_WEIGHT, 0), "close"),
        worse=_integer(fields["worse"], (-MAX_WEIGHT, 0), "worse"),
        elsewhere=_integer(fields["elsewhere"], (-MAX_WEIGHT, 0), "elsewhere"),
        sure=_weight(fields["sure"], "sure"),
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
    items = _list(value, field)
    named = [item for item in items if isinstance(item, str) and item in keys]
    if len(named) != len(items) or len(set(named)) != len(named):
        raise _malformed(field)
    return frozenset(named)


def _list(value: JsonValue, field: str) -> Sequence[JsonValue]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_KEYS:
        raise _malformed(field)
    return value


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
