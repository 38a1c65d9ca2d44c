"""Match-key recipes, specs/04-matching.md §5: a client record to typed values.

Only a node runs this, on its own clients; what it publishes is a token of each value, never the
value. A recipe is a list of parts, and what a part reads is data: the leakage rules
(protocol/matchkeys/leakage.py) are checked against it. A recipe whose field is missing makes no
value. A recipe id carries its version: a recipe is never changed, a new one is added beside it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.names import canonical_name
from protocol.matchkeys.normalise import is_weak_birth_date
from protocol.matchkeys.records import ClientRecord, NormalRecord, normalise_record
from protocol.matchkeys.skeleton import close_skeleton


class Reads(StrEnum):
    """What of a person a part of a recipe reads."""

    IDENTIFIER = "identifier"
    GIVEN = "given"
    MIDDLE = "middle"
    FAMILY = "family"
    BORN = "born"
    SEX = "sex"
    PLACE = "place"


_WHO = frozenset({Reads.IDENTIFIER, Reads.GIVEN, Reads.FAMILY})


@dataclass(frozen=True, eq=False)
class Part:
    """One field of a key: what it reads and its values for a record, none if missing."""

    reads: frozenset[Reads]
    values: Callable[[NormalRecord], Collection[str | None]]


@dataclass(frozen=True)
class Recipe:
    """The parts of a key in order, and the most values a record may make."""

    parts: tuple[Part, ...]
    cap: int

    @cached_property
    def reads(self) -> frozenset[Reads]:
        """Everything that the key is made from."""
        return frozenset().union(*(part.reads for part in self.parts))

    def values(self, record: NormalRecord) -> tuple[str, ...]:
        """The values of a record: every choice of one value a part, joined by `|`, up to the cap.

        None if any part has none.
        """
        return self.values_read(_Read(record))

    def values_read(self, read: "_Read") -> tuple[str, ...]:
        """The same, of a record whose parts other recipes have read too."""
        made: list[str] = []
        for part in self.parts:
            choices = read[part]
            if not choices:
                return ()
            made = [f"{one}|{next_}" for one in made for next_ in choices] if made else choices
        return tuple(dict.fromkeys(made))[: self.cap]


class _Read(dict[Part, list[str]]):
    """The values of each part for one record, read when a recipe first asks: many share a part."""

    def __init__(self, record: NormalRecord) -> None:
        super().__init__()
        self._record = record

    def __missing__(self, part: Part) -> list[str]:
        values = self[part] = [value for value in part.values(self._record) if value]
        return values


def match_keys(record: ClientRecord, key_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The values of each named key type; a type without values is absent from the answer.

    Raises RemoteError(UNKNOWN_KIND) for a key id that this version does not know.
    """
    if not RECIPES.keys() >= set(key_ids):
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "the charter names a match key unknown here")
    read = _Read(normalise_record(record))
    made = ((key_id, RECIPES[key_id].values_read(read)) for key_id in sorted(key_ids))
    return {key_id: values for key_id, values in made if values}


def names_somebody(key_ids: Collection[str]) -> bool:
    """Whether a stub with these key types is of one person and not of a door: specs/04 §10."""
    return not _OF_WHO.isdisjoint(key_ids)


def _part(reads: str, values: Callable[[NormalRecord], Collection[str | None]]) -> Part:
    return Part(frozenset(map(Reads, reads.split())), values)


def _pair(one: str | None, other: str | None) -> str | None:
    """Both names in alphabetical order, so that a swap of given and family does not matter."""
    return "~".join(sorted((one, other))) if one and other else None


def _all_families(record: NormalRecord) -> Iterator[str | None]:
    return (_pair(record.given_skeleton, each) for each in record.family_skeletons)


def _first_family(record: NormalRecord) -> str | None:
    return record.family_skeletons[0] if record.family_skeletons else None


def _parts_of_birth(record: NormalRecord) -> tuple[str, ...]:
    """Year; then day and month in either order, since they are often swapped."""
    born = record.born
    return (f"y{born[:4]}", "m" + "".join(sorted((born[4:6], born[6:])))) if born else ()


def _born_either_way(record: NormalRecord) -> tuple[str, ...]:
    return tuple(filter(None, ("".join(_parts_of_birth(record)),)))


def _surely_born(record: NormalRecord) -> tuple[str, ...]:
    """None for a weak date: given to many who know no birthday, it tells too few people apart."""
    return () if record.born and is_weak_birth_date(record.born) else _born_either_way(record)


def _two_of_three(record: NormalRecord) -> tuple[str, ...]:
    if not record.born:
        return ()
    year, month, day = f"y{record.born[:4]}", f"m{record.born[4:6]}", f"d{record.born[6:]}"
    return (year + month, year + day, month + day)


def _given_names(record: NormalRecord) -> tuple[str, ...]:
    """The first telling name, and the first two words in one: Lily-Mae is Lilymae elsewhere."""
    return (*record.telling[:1], *filter(None, (record.joined,)))


def _two_names(record: NormalRecord) -> tuple[str, ...]:
    """First and second given name in order, if both have two letters or more."""
    names = [name for name in (record.given, record.second) if name and len(name) > 1]
    close = [close_skeleton(canonical_name(name)) for name in names]
    return ("+".join(close),) if len(close) > 1 else ()


def _settled_name(record: NormalRecord) -> tuple[str | None, ...]:
    given = _given_names(record)
    return (_pair(given[0], record.family_settled),) if given else ()


NHS_NUMBER = _part("identifier", lambda r: (r.nhs_number,))
OTHER_ID = _part("identifier", lambda r: (r.other_id,))
INITIAL = _part("given", lambda r: (r.given and r.given[0],))
GIVEN = _part("given", lambda r: (r.given_skeleton,))
SETTLED_GIVEN = _part("given", lambda r: r.telling[:1])
SETTLED_GIVENS = _part("given", _given_names)
TELLING_NAMES = _part("given middle", lambda r: r.telling)
TWO_NAMES = _part("given middle", _two_names)
SECOND_INITIAL = _part("middle", lambda r: (r.second and r.second[0],))
FAMILY = _part("family", lambda r: (_first_family(r),))
FAMILIES = _part("family", lambda r: r.family_skeletons)
NAME = _part("given family", lambda r: (_pair(r.given_skeleton, _first_family(r)),))
NAMES = _part("given family", lambda r: tuple(_all_families(r)))
SETTLED_NAME = _part("given family", _settled_name)
BEGINNINGS = _part("given family", lambda r: (r.family and r.given and r.family[:3] + r.given[:2],))
BORN = _part("born", lambda r: (r.born,))
BORN_SURELY = _part("born", _surely_born)
BORN_EITHER_WAY = _part("born", _born_either_way)
BORN_IN_PART = _part("born", _parts_of_birth)
TWO_OF_THREE = _part("born", _two_of_three)
SEX = _part("sex", lambda r: (r.sex,))
HOUSE = _part("place", lambda r: (r.house,))
STREET = _part("place", lambda r: (r.street,))
POSTCODE = _part("place", lambda r: (r.postcode,))
LOCALITY = _part("place", lambda r: (r.locality,))

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        # A checked identifier never stands alone: somebody else's number is all that is wrong.
        "nid_dob.1": Recipe((NHS_NUMBER, BORN_EITHER_WAY), 1),
        "nid_given.2": Recipe((NHS_NUMBER, SETTLED_GIVEN), 1),
        "nid_family.1": Recipe((NHS_NUMBER, FAMILY), 1),
        "sid_dob.1": Recipe((OTHER_ID, BORN_EITHER_WAY), 1),
        "sid_given.2": Recipe((OTHER_ID, SETTLED_GIVEN), 1),
        "sid_family.1": Recipe((OTHER_ID, FAMILY), 1),
        # Name and birth date, no place.
        "given_dob.3": Recipe((SETTLED_GIVENS, BORN_SURELY), 2),
        "two_dob.1": Recipe((TWO_NAMES, BORN_EITHER_WAY), 1),
        "given_dob_mi.4": Recipe((SETTLED_GIVENS, BORN_SURELY, SECOND_INITIAL), 2),
        "name_dob.1": Recipe((NAME, BORN_EITHER_WAY), 1),
        "name_2of3.1": Recipe((NAME, TWO_OF_THREE), 3),
        "family_dob.1": Recipe((FAMILIES, BORN), 4),
        "family_dob_mi.2": Recipe((FAMILY, BORN_EITHER_WAY, SECOND_INITIAL), 1),
        "sex_family_dob.2": Recipe((SEX, FAMILY, BORN_EITHER_WAY), 1),
        # Birth date and place.
        "alias_dob_pc.4": Recipe((TELLING_NAMES, BORN_EITHER_WAY, POSTCODE), 3),
        "dob_sex_pc.2": Recipe((BORN, SEX, POSTCODE), 1),
        "dob_street.2": Recipe((BORN, STREET), 1),
        "dob_addr.1": Recipe((BORN, HOUSE, STREET), 1),
        "dob_pc.1": Recipe((BORN, POSTCODE), 1),
        "dob_loc.1": Recipe((BORN, LOCALITY), 1),
        "name_pc_dob.3": Recipe((SETTLED_NAME, POSTCODE, BORN_IN_PART), 2),
        "name_addr_dob.3": Recipe((SETTLED_NAME, HOUSE, STREET, BORN_IN_PART), 2),
        # Name and place.
        "name_pc.2": Recipe((NAMES, POSTCODE), 4),
        "name_loc.1": Recipe((NAME, LOCALITY), 1),
        "name_street.1": Recipe((NAME, STREET), 1),
        "beginnings_loc.1": Recipe((BEGINNINGS, LOCALITY), 1),
        "given_addr.2": Recipe((SETTLED_GIVEN, HOUSE, STREET), 1),
        "given_loc_street.1": Recipe((GIVEN, LOCALITY, STREET), 1),
        "initial_family_addr.1": Recipe((INITIAL, FAMILY, HOUSE, STREET), 1),
    }
)

# Of charters and logs from before: what they read. No node makes them and no new charter has them.
WITHDRAWN: Mapping[str, frozenset[Reads]] = MappingProxyType(
    {
        key_id: frozenset(map(Reads, reads.split()))
        for key_id, reads in {
            "nid.1": "identifier",
            "sid.1": "identifier",
            "given_dob.1": "given born",
            "given_dob_mi.2": "given middle born",
            "family_dob_mi.1": "family middle born",
            "sex_family_dob.1": "family sex born",
            "alias_dob_pc.2": "given middle born place",
            "name_pc_dob.1": "given family born place",
            "name_addr_dob.1": "given family born place",
            "nid_given.1": "identifier given",
            "sid_given.1": "identifier given",
            "given_dob.2": "given born",
            "given_dob_mi.3": "given middle born",
            "alias_dob_pc.3": "given middle born place",
            "name_pc_dob.2": "given family born place",
            "name_addr_dob.2": "given family born place",
            "given_addr.1": "given place",
        }.items()
    }
)

_OF_WHO = frozenset(
    [key_id for key_id, recipe in RECIPES.items() if recipe.reads & _WHO]
    + [key_id for key_id, reads in WITHDRAWN.items() if reads & _WHO]
)


def reads_of(key_id: str) -> frozenset[Reads]:
    """What a key type is made from, also one that is withdrawn; nothing for one unknown here."""
    recipe = RECIPES.get(key_id)
    return recipe.reads if recipe else WITHDRAWN.get(key_id, frozenset())
