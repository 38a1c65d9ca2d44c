"""A client's identifying fields, raw and normalised: specs/04-matching.md §2.

Neither says anything in its repr: a record must not leak into a log or a traceback.
"""

import re
from dataclasses import dataclass

from protocol.matchkeys import normalise
from protocol.matchkeys.names import family_skeletons, given_skeleton
from protocol.matchkeys.settling import settled_name
from protocol.matchkeys.skeleton import skeleton

_IDENTIFIER = re.compile("[a-z0-9]{6,20}")


@dataclass(frozen=True, repr=False)
class ClientRecord:
    """One client's identifying fields as the agency wrote them; each may be absent or nonsense.

    `other_id` is an identifier that two agencies share beside the NHS number, where the law lets
    them; `locality` is a suburb or town.
    """

    nhs_number: str | None = None
    given: str | None = None
    middle: str | None = None
    family: str | None = None
    date_of_birth: str | None = None
    sex: str | None = None
    address: str | None = None
    postcode: str | None = None
    locality: str | None = None
    other_id: str | None = None

    def __repr__(self) -> str:
        """Say nothing."""
        return "ClientRecord(hidden)"


@dataclass(frozen=True, repr=False)
class NormalRecord:
    """The same client after normalisation: every field is a clean value or None, never empty.

    `second` is the second given name, of either field; `telling` has the settled forms of those
    that tell one child of a family from another; `joined` is that of the first two words of the
    given field in one; `family` is all parts joined, `family_settled` its settled form; the
    skeletons are of the formal given name, of the joined family name and of its parts.
    """

    nhs_number: str | None
    other_id: str | None
    given: str | None
    second: str | None
    joined: str | None
    telling: tuple[str, ...]
    given_skeleton: str | None
    family: str | None
    family_skeletons: tuple[str, ...]
    family_settled: str | None
    born: str | None
    sex: str | None
    house: str | None
    street: str | None
    postcode: str | None
    locality: str | None

    def __repr__(self) -> str:
        """Say nothing."""
        return "NormalRecord(hidden)"


def normalise_record(record: ClientRecord) -> NormalRecord:
    """Clean every field of a record. Never raises."""
    names = normalise.person_names(record.given, record.middle, record.family)
    place = normalise.place(record.address, record.postcode)
    return NormalRecord(
        nhs_number=normalise.nhs_number(record.nhs_number),
        other_id=_identifier(record.other_id),
        given=names.given,
        second=names.others[0] if names.others else None,
        joined=names.joined and settled_name(names.joined),
        telling=tuple(map(settled_name, normalise.telling_names(names.given, names.others))),
        given_skeleton=given_skeleton(names.given),
        family=names.families[0] if names.families else None,
        family_skeletons=family_skeletons(names.families),
        family_settled=next(map(settled_name, family_skeletons(names.families, str)), None),
        born=normalise.birth_date(record.date_of_birth),
        sex=normalise.sex(record.sex),
        house=place.house,
        street=place.street,
        postcode=place.postcode,
        locality=_locality(record.locality, record.address) if record.locality else None,
    )


def _identifier(text: str | None) -> str | None:
    """Six to twenty letters and digits, not one repeated; None otherwise."""
    if not text:
        return None
    compact = re.sub("[ -]", "", normalise.fold(text))
    return compact if _IDENTIFIER.fullmatch(compact) and len(set(compact)) > 1 else None


def _locality(text: str, address: str | None) -> str | None:
    """The skeleton of a suburb or town; None if missing, or if nobody lives at one door there."""
    if normalise.is_placeholder(text) or normalise.has_no_door(address):
        return None
    return skeleton(re.sub("[^a-z]", "", normalise.fold(text))) or None
