"""Match-key recipes of default-12, specs/04-matching.md §5: a client record to typed values.

Only a node runs this, on its own clients; what it publishes is a token of each value, never the
value. A recipe whose field is missing makes no value. A recipe id carries its version: a recipe is
never changed, a new one is added beside it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys import normalise
from protocol.matchkeys.names import canonical_name
from protocol.matchkeys.skeleton import skeleton


@dataclass(frozen=True, repr=False)
class ClientRecord:
    """One client's identifying fields as the agency wrote them; each may be absent or nonsense."""

    nhs_number: str | None = None
    given: str | None = None
    middle: str | None = None
    family: str | None = None
    date_of_birth: str | None = None
    sex: str | None = None
    address: str | None = None
    postcode: str | None = None

    def __repr__(self) -> str:
        """Say nothing: a record must not leak into a log or a traceback."""
        return "ClientRecord(hidden)"


@dataclass(frozen=True, repr=False)
class NormalRecord:
    """The same client after normalisation: every field is a clean value or None, never empty.

    `family` is all parts joined; the skeletons are of the formal given name, of the joined family
    name and of its parts; `full_name` has both skeletons in alphabetical order, so that a swap of
    given and family name does not matter.
    """

    nhs_number: str | None
    given: str | None
    middle: str | None
    family: str | None
    given_skeleton: str | None
    family_skeletons: tuple[str, ...]
    full_name: str | None
    born: str | None
    sex: str | None
    house: str | None
    street: str | None
    postcode: str | None


Recipe = Callable[[NormalRecord], Collection[str | None]]


def normalise_record(record: ClientRecord) -> NormalRecord:
    """Clean every field of a record. Never raises."""
    given, middle = normalise.given_names(record.given, record.middle)
    families = normalise.family_names(record.family)
    given_skeleton = skeleton(canonical_name(given)) if given else None
    family_skeletons = tuple(dict.fromkeys(map(skeleton, families)))
    house, street = normalise.house_and_street(record.address)
    return NormalRecord(
        nhs_number=normalise.nhs_number(record.nhs_number),
        given=given,
        middle=middle,
        family=families[0] if families else None,
        given_skeleton=given_skeleton,
        family_skeletons=family_skeletons,
        full_name=_pair(given_skeleton, family_skeletons[0] if families else None),
        born=normalise.birth_date(record.date_of_birth),
        sex=normalise.sex(record.sex),
        house=house,
        street=street,
        postcode=normalise.postcode(record.postcode),
    )


def match_keys(record: ClientRecord, key_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The values of each named key type; a type without values is absent from the answer.

    Raises RemoteError(UNKNOWN_KIND) for a key id that this version does not know.
    """
    unknown = set(key_ids) - RECIPES.keys()
    if unknown:
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "the charter names a match key unknown here")
    normal = normalise_record(record)
    made: dict[str, tuple[str, ...]] = {}
    for key_id in sorted(key_ids):
        recipe, most = RECIPES[key_id]
        values = tuple(dict.fromkeys(value for value in recipe(normal) if value))[:most]
        if values:
            made[key_id] = values
    return made


def _join(*fields: str | None) -> str | None:
    present = [field for field in fields if field]
    return "|".join(present) if len(present) == len(fields) else None


def _pair(one: str | None, other: str | None) -> str | None:
    return "~".join(sorted((one, other))) if one and other else None


def _nid(record: NormalRecord) -> list[str | None]:
    return [record.nhs_number]


def _name_pc(record: NormalRecord) -> list[str | None]:
    given = record.given_skeleton
    return [_join(_pair(given, each), record.postcode) for each in record.family_skeletons]


def _name_addr(record: NormalRecord) -> list[str | None]:
    return [_join(record.full_name, record.house, record.street)]


def _init_sur_dob(record: NormalRecord) -> list[str | None]:
    initial = record.given[0] if record.given else None
    return [_join(initial, each, record.born) for each in record.family_skeletons]


def _gsuf_sur_dob(record: NormalRecord) -> list[str | None]:
    ending = record.given[-3:] if record.given and len(record.given) >= 3 else None
    return [_join(ending, record.family, record.born)]


def _given_dob_mi(record: NormalRecord) -> list[str | None]:
    initial = record.middle[0] if record.middle else None
    return [_join(record.given_skeleton, record.born, initial)]


def _alias_dob_pc(record: NormalRecord) -> list[str | None]:
    names = [name for name in (record.given, record.middle) if name and len(name) > 1]
    return [_join(name, record.born, record.postcode) for name in names]


def _name_yob_pc(record: NormalRecord) -> list[str | None]:
    return [_join(record.full_name, record.born and record.born[:4], record.postcode)]


def _dob_hno(record: NormalRecord) -> list[str | None]:
    return [_join(record.born, record.house)]


def _dob_street(record: NormalRecord) -> list[str | None]:
    return [_join(record.born, record.street)]


def _given_2of3_pc(record: NormalRecord) -> list[str | None]:
    if not record.born:
        return []
    year, month, day = f"y{record.born[:4]}", f"m{record.born[4:6]}", f"d{record.born[6:]}"
    pairs = (year + month, year + day, month + day)
    return [_join(record.given_skeleton, pair, record.postcode) for pair in pairs]


def _dob_sex_pc(record: NormalRecord) -> list[str | None]:
    return [_join(record.born, record.sex, record.postcode)]


# Key id -> (recipe, most values a record may make). Caps are the charter's too: see policy.py.
RECIPES: Mapping[str, tuple[Recipe, int]] = MappingProxyType(
    {
        "nid.1": (_nid, 1),
        "name_pc.1": (_name_pc, 4),
        "name_addr.1": (_name_addr, 1),
        "init_sur_dob.1": (_init_sur_dob, 4),
        "gsuf_sur_dob.1": (_gsuf_sur_dob, 1),
        "given_dob_mi.1": (_given_dob_mi, 1),
        "alias_dob_pc.1": (_alias_dob_pc, 2),
        "name_yob_pc.1": (_name_yob_pc, 1),
        "dob_hno.1": (_dob_hno, 1),
        "dob_street.1": (_dob_street, 1),
        "given_2of3_pc.1": (_given_2of3_pc, 3),
        "dob_sex_pc.1": (_dob_sex_pc, 1),
    }
)
