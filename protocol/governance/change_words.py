"""What the fields of a charter are called where a change to it is told.

specs/02-charter.md §7. Words only: what loosens is judged in protocol/governance/changes.py.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any


def path_of(where: str, name: str) -> str:
    """Where a field is: its owner and its own words."""
    words = _WORDS.get(name, name.replace("_", " "))
    return f"{where}, {words}" if where else words[:1].upper() + words[1:]


def owner_of(where: str) -> str:
    """A sentence's beginning: `where` ends in the field's own words, which the sentence says."""
    owner = where.rpartition(", ")[0]
    return f"{owner}: " if owner else ""


def name_of(item: Mapping[str, Any], key: str) -> str:
    """What a thing with a code is called."""
    title = item.get("title")
    return f"{item[key]} ({title})" if title else str(item[key])


def day_of(seconds: int) -> str:
    """The day of a time in Unix seconds, as people write it."""
    day = date.fromordinal(date(1970, 1, 1).toordinal() + seconds // 86_400)
    return f"{day.day} {day:%B %Y}"


def text_of(value: object) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{path_of('', name).lower()} {text_of(value[name])}" for name in value)
    if isinstance(value, (list, tuple)):
        return "; ".join(text_of(item) for item in value) or "none"
    return "none" if value is None else str(value).replace("_", " ")


_WORDS = {
    "witnesses": "witness",
    "classes": "member class",
    "involvement_types": "involvement type",
    "lawful_bases": "lawful basis",
    "purposes": "purpose",
    "roles": "roles",
    "visible_to": "who may see it",
    "brokered_to": "whose sensitive services it may meet",
    "hint_from": "a hint through the duty desk",
    "notice": "how people are told of it",
    "requester_classes": "who may ask",
    "holder_classes": "who may be asked",
    "must_record": "fact",
    "record": "where it comes from",
    "notify_subject": "telling the person concerned",
    "objection": "overriding an objection",
    "reasons": "reason",
    "match_policy": "match policy",
    "keys": "match key",
    "guards": "automatic matching",
    "each_of": "what must agree",
    "guard_given": "what counts as evidence of the given name",
    "operating_point": "how careful automatic matching is",
    "contested": "what a better rival costs",
    "margin": "how close a rival may come",
    "place": "counts as place evidence",
    "enquiry": "enquiring about people who are no clients",
    "bases": "on which basis",
    "node_retention": "how long nodes keep",
    "answering": "how long agencies have to answer",
    "urgent": "answering by the wall clock",
    "by_rule": "whose requests a rule may allow",
    "reason_in_writing": "a refusal says why in writing",
    "attention": "raising attention",
    "kinds": "what may be said",
}
