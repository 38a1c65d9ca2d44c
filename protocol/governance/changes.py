"""What a charter gives more than the one before it: specs/02-charter.md §7.

Pure, and the same for hub, node and auditor: an agency is bound by a new charter at once unless it
loosens something that the agency has not signed. Whatever this module does not know counts as
loosening, whichever way it goes; it never weighs one difference against another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from protocol.governance.change_words import name_of, owner_of, path_of, text_of
from protocol.governance.charter import Charter


@dataclass(frozen=True)
class Differences:
    """What a new charter loosens, tightens and changes otherwise, each in one plain sentence."""

    loosened: tuple[str, ...]
    tightened: tuple[str, ...]
    neutral: tuple[str, ...] = ()


@dataclass
class _Notes:
    loosened: list[str] = field(default_factory=list)
    tightened: list[str] = field(default_factory=list)
    neutral: list[str] = field(default_factory=list)

    def say(self, sentence: str, *, loosens: bool | None = True) -> None:
        """Note a sentence; `loosens` is None for what gives nobody more or less."""
        said = {True: self.loosened, False: self.tightened, None: self.neutral}[loosens]
        said.append(sentence[:1].upper() + sentence[1:])


Compare = Callable[[_Notes, str, Any, Any], None]


def differences(old: Charter, new: Charter) -> Differences:
    """Every difference between two charters that means anything, in the order of the document."""
    notes = _Notes()
    _fields(_CHARTER)(notes, "", old.model_dump(mode="json"), new.model_dump(mode="json"))
    return Differences(tuple(notes.loosened), tuple(notes.tightened), tuple(notes.neutral))


def loosens(old: Charter, new: Charter) -> list[str]:
    """What `new` gives more than `old`, in plain sentences. Empty: it binds at once."""
    return list(differences(old, new).loosened)


# How a difference is judged. Each of these makes a judge of one field; the words go into sentences.


def _unknown(notes: _Notes, where: str, _old: object, _new: object) -> None:
    notes.say(f"{where}: changed.")


def _ignored(notes: _Notes, where: str, old: object, new: object) -> None:
    """Says nothing: a number or a name of the document itself."""


def _told(notes: _Notes, where: str, old: object, new: object) -> None:
    """A value that people read and no rule goes by."""
    notes.say(f"{where} becomes {new} ({old} before).", loosens=None)


def _number(words: str, *, loose: str = "up", hundredths: bool = False) -> Compare:
    """A number that loosens when it goes `loose`: up or down."""

    def compare(notes: _Notes, where: str, old: int, new: int) -> None:
        rises = new > old
        before, after = (f"{value / 100:.2f}" if hundredths else value for value in (old, new))
        sentence = (
            f"{owner_of(where)}{words} {'rises' if rises else 'falls'} from {before} to {after}."
        )
        notes.say(sentence, loosens=rises == (loose == "up"))

    return compare


def _ranked(*order: object) -> Compare:
    """A choice in the order from strictest to loosest."""

    def compare(notes: _Notes, where: str, old: object, new: object) -> None:
        loosened = old not in order or new not in order or order.index(new) > order.index(old)
        notes.say(f"{where} becomes {text_of(new)} ({text_of(old)} before).", loosens=loosened)

    return compare


def _set_of_codes(notes: _Notes, where: str, old: list[str], new: list[str]) -> None:
    """More codes give more, fewer give less; their order means nothing."""
    for code in [item for item in new if item not in old]:
        notes.say(f"{where}: {code} is added.")
    for code in [item for item in old if item not in new]:
        notes.say(f"{where}: {code} is taken out.", loosens=False)


def _labels(notes: _Notes, where: str, old: list[str], new: list[str]) -> None:
    """As a set, but the first label stands in for every one that is not in the list."""
    _set_of_codes(notes, where, old, new)
    if old[:1] != new[:1]:
        notes.say(f"{where}: another label comes first.")


def _limit(notes: _Notes, where: str, old: object, new: object) -> None:
    """A limit: the larger, the looser. By size in the place of one number is not to be weighed."""
    if isinstance(old, int) and isinstance(new, int):
        _number(where.rpartition(", ")[2])(notes, where, old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        _BY_SIZE(notes, where, old, new)
    else:
        _unknown(notes, where, old, new)


def _past_months(notes: _Notes, where: str, old: int | None, new: int | None) -> None:
    """How long past work is seen; a charter from before there was such a number shows none."""
    _number("the months for which past work is seen")(notes, where, old or 0, new or 0)


def _invites(notes: _Notes, where: str, old: int | None, new: int | None) -> None:
    """How many organisations a member may ask for a day: none, where a charter does not say."""
    _number("the organisations that a member may ask for a day")(notes, where, old or 0, new or 0)


def _attention(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """What may be said to the team around a client: nothing, where nothing is stated."""
    if old and new:
        _ATTENTION(notes, where, old, new)
    elif new:
        titles = ", ".join(item["title"] for item in new["kinds"])
        notes.say(f"{where} is possible, {new['per_day']} times a day: {titles}.")
    else:
        notes.say(f"{where} is not possible any more.", loosens=False)


def _confirm_months(notes: _Notes, where: str, old: int | None, new: int | None) -> None:
    """After how long unconfirmed work is looked at: never, where a charter does not say."""
    if old is None or new is None:
        often = f"after {new} months" if new else "never"
        notes.say(f"work that nobody confirms is looked at {often}.", loosens=new is None)
    else:
        _number("the months after which unconfirmed work is looked at")(notes, where, old, new)


def _node_retention(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """How long nodes keep: for ever, where a charter does not say."""
    if not new:
        notes.say("how long nodes keep what is over is not bounded any more.")
    elif not old:
        said = ", ".join(f"{name.replace('_', ' ')} {new[name]}" for name in new)
        notes.say(f"how long nodes keep what is over is bounded: {said}.", loosens=False)
    else:
        _NODE_RETENTION(notes, where, old, new)


def _by_rule(notes: _Notes, where: str, old: list[str] | None, new: list[str] | None) -> None:
    """Whose requests are allowed without a person: anybody's, where a charter does not say."""
    if old is not None and new is not None:
        _set_of_codes(notes, where, old, new)
    elif new is None:
        notes.say(f"{where}: anybody's.")
    else:
        notes.say(f"{where}: {', '.join(new) or 'nobody'} and no other class.", loosens=False)


def _answering(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """How long agencies have to answer: as long as they like, where a charter does not say."""
    if old and new:
        _ANSWERING(notes, where, old, new)
    elif new:
        notes.say("how long agencies have to answer is bounded.", loosens=False)
    else:
        notes.say("how long agencies have to answer is not bounded any more.")


def _holidays(notes: _Notes, where: str, old: list[str], new: list[str]) -> None:
    """Days on which nobody has to answer: each gives more time."""
    for days, done in ((set(new) - set(old), "more"), (set(old) - set(new), "fewer")):
        if days:
            said = f"{len(days)} {done}, from {min(days)} to {max(days)}"
            notes.say(f"days on which nobody has to answer: {said}.", loosens=done == "more")


def _withdrawn_days(notes: _Notes, where: str, old: int, new: int) -> None:
    """Longer keeps more of who withdrew; shorter lets a feed bring them back sooner."""
    notes.say(f"hashes of who withdrew are kept for {new} days ({old} before).")


def _founding_until(notes: _Notes, where: str, old: int, new: int) -> None:
    """Later is looser, though it has no effect: what was stated first holds (admission.py)."""
    day = date.fromordinal(date(1970, 1, 1).toordinal() + new // 86_400)
    said = f"{where}: the founding days end on {day.day} {day:%B %Y}."
    notes.say(said, loosens=new > old)


def _limits(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """An object of limits."""
    judges = {**dict.fromkeys((*old, *new), _limit), "invites_per_day": _invites}
    _fields(judges)(notes, where, old, new)


def _admission(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Terms that a charter does not state stay as they were: to state some only adds to them."""
    if not new:
        notes.say(f"{where} is not stated any more, and stays as it was.", loosens=None)
    elif not old:
        notes.say(f"{where} is stated: late and large members need an endorsement.", loosens=False)
    else:
        _ADMISSION(notes, where, old, new)


def _findable_on(notes: _Notes, where: str, old: str | None, new: str | None) -> None:
    """On what lawful basis something is always findable: a charter from before names none."""
    if new is None:
        notes.say(f"{where}: {old} is taken out.", loosens=False)
    else:
        notes.say(f"{where}: always findable on the lawful basis {new}.")


def _hint_from(notes: _Notes, where: str, old: int | None, new: int | None) -> None:
    """From how many organisations of a class on the duty desk is named: never, if nothing says."""
    said = f"from {new} organisations of the class on" if new else "never"
    notes.say(f"{where}: {said}.", loosens=new is not None and (old is None or new < old))


def _objection(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Who may share in spite of an objection: nobody, where nothing is stated."""
    if old and new:
        _OBJECTION(notes, where, old, new)
    elif new:
        notes.say(f"{where} is possible, for {', '.join(new['roles'])}.")
    else:
        notes.say(f"{where} is not possible any more.", loosens=False)


def _enquiry(notes: _Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Who may enquire about people who are no clients of theirs: nobody, where it is not stated."""
    if old and new:
        _ENQUIRY(notes, where, old, new)
    elif new:
        notes.say(f"{where} is possible, for {', '.join(new['classes'])}.")
    else:
        notes.say(f"{where} is not possible any more.", loosens=False)


def _record(notes: _Notes, where: str, old: str | None, new: str | None) -> None:
    """Where a fact of the asker's is from: typed is the loosest."""
    before, after = (
        f"the asker's consent record ({text_of(one)})" if one else "typed" for one in (old, new)
    )
    notes.say(f"{where} becomes {after} ({before} before).", loosens=old is not None)


def _fields(judges: Mapping[str, Compare]) -> Compare:
    """An object, field by field; a field that nobody judges loosens by being different."""

    def compare(notes: _Notes, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for name in dict.fromkeys((*old, *new)):
            if name not in old or name not in new:
                _unknown(notes, path_of(where, name), None, None)
            elif old[name] != new[name]:
                judge = judges.get(name, _unknown)
                judge(notes, path_of(where, name), old[name], new[name])

    return compare


def _items(
    key: str,
    judge: Compare,
    *,
    added: Callable[[Mapping[str, Any]], bool] = lambda item: True,
    removed: Callable[[Mapping[str, Any]], bool] = lambda item: False,
) -> Compare:
    """A list of things with a code: each by its own judge. `added` and `removed` say of one that
    came or went whether that loosens.
    """

    def compare(notes: _Notes, where: str, old: list[Any], new: list[Any]) -> None:
        before, after = ({item[key]: item for item in items} for items in (old, new))
        for code, item in after.items():
            name = f"{where} {name_of(item, key)}"
            if code not in before:
                notes.say(f"{name} is added.", loosens=added(item))
            elif before[code] != item:
                judge(notes, name, before[code], item)
        for code, item in before.items():
            if code not in after:
                notes.say(f"{where} {name_of(item, key)} is taken out.", loosens=removed(item))

    return compare


_BY_SIZE = _fields(
    {
        "least": _number("the least"),
        "per_thousand": _number("the number for a thousand clients"),
    }
)

# A key that goes takes its equality along, which lowers scores, and its difference, which does not.
_KEY = _fields(
    {
        "agree": _number("the weight of equality", hundredths=True),
        "disagree": _number("the weight of a difference", hundredths=True),
        "cap": _number("the most tokens of a record"),
        "place": _unknown,  # evidence of a place, or of none: the guard wants both
    }
)
_CONTESTED = _fields(
    {
        "margin": _number("how close a rival may come", loose="down", hundredths=True),
        "close": _number("what a close rival costs", hundredths=True),
        "worse": _number("what a better rival costs", hundredths=True),
        "elsewhere": _number("what two records elsewhere cost", hundredths=True),
    }
)
_GUARD = _fields(
    {"upper": _number("the score for an automatic match", loose="down", hundredths=True)}
)
_POLICY = _fields(
    {
        "name": _ignored,
        "version": _ignored,
        "bias": _number("the score that every pair starts from", hundredths=True),
        "upper": _number("the score for an automatic match", loose="down", hundredths=True),
        "lower": _number("the score for a possible match", loose="down", hundredths=True),
        "guard_given": _set_of_codes,
        "guards": _fields({"guarded": _GUARD, "open": _GUARD}),
        "operating_point": _unknown,  # each point has its own guard
        "contested": _CONTESTED,
        "keys": _items("id", _KEY, removed=lambda item: bool(item["disagree"])),
    }
)
_INVOLVEMENT_TYPE = _fields(
    {
        "openness": _ranked("sensitive", "open", "always_findable"),
        "visible_to": _set_of_codes,
        "labels": _labels,
        "basis": _findable_on,
        "brokered_to": _set_of_codes,
        "hint_from": _hint_from,
        "notice": _ranked("notice", "digest", "quiet"),
    }
)
# A fact that travels in the clear is news to the hub; one that is committed, or is the holder's own
# to look at, is not.
_FACTS = _items(
    "field",
    _fields({"record": _record}),
    added=lambda item: item["type"] not in {"committed", "consent"},
    removed=lambda item: True,
)
_BASIS = _fields(
    {
        "in_force": _ranked("no", "pending", "yes"),
        "requester_classes": _set_of_codes,
        "holder_classes": _set_of_codes,
        "purposes": _set_of_codes,
        "must_record": _FACTS,
        "notify_subject": _ranked(True, False),
        "objection": _objection,
        "urgent": _ranked(True, False),
        "by_rule": _by_rule,
        "reason_in_writing": _ranked(True, False),
    }
)
_OBJECTION = _fields(
    {
        "holder_classes": _set_of_codes,
        "roles": _set_of_codes,
        "reasons": _items("code", _unknown),
    }
)
_ENQUIRY = _fields(
    {
        "classes": _set_of_codes,
        "bases": _set_of_codes,
        "days": _number("the days for which an enquiry is seen"),
        "per_person_day": _number("the number of enquiries of one person in a day"),
        "per_agency_day": _number("the number of enquiries of one agency in a day"),
    }
)
_ATTENTION = _fields(
    {
        "kinds": _items("code", _unknown),
        "per_day": _number("the times a day that an agency may raise it"),
    }
)
_ADMISSION = _fields(
    {
        "founding_until": _founding_until,
        "cooling_days": _number("the days that a late member waits", loose="down"),
        "largest_member": _number("the clients of the largest member without endorsement"),
    }
)
_NODE_RETENTION = _fields(
    {
        "closed_client_days": _number("the days for which closed clients are kept"),
        "request_days": _number("the days for which requests are kept"),
        "news_days": _number("the days for which news are kept"),
        "withdrawn_days": _withdrawn_days,
    }
)
_ANSWERING = _fields(
    {
        "holidays": _holidays,
        "worker_days": _number("the days that a worker has to answer"),
        "duty_days": _number("the days that duty has to answer"),
        "manager_days": _number("the days that a manager has to answer"),
        "urgent_duty_hours": _number("the hours that duty has for what is urgent"),
        "urgent_manager_hours": _number("the hours that a manager has for what is urgent"),
    }
)
_CHARTER: Mapping[str, Compare] = {
    "version": _ignored,
    "predecessor": _ignored,
    "hub": _fields({}),
    "witnesses": _items("name", _unknown, removed=lambda item: True),
    "quorum": _number("the number of witnesses that must sign", loose="down"),
    "classes": _items("code", _unknown),
    "involvement_types": _items("code", _INVOLVEMENT_TYPE),
    "roles": _set_of_codes,
    "purposes": _items("code", _unknown),
    "lawful_bases": _items("code", _BASIS),
    "match_policy": _POLICY,
    "tables": _fields({}),
    "quotas": _limits,
    "admission": _admission,
    "duty_desk": _fields({"name": _told, "phone": _told, "hours": _told}),
    "enquiry": _enquiry,
    "attention": _attention,
    "past_months": _past_months,
    "confirm_months": _confirm_months,
    "request_lifetime_days": _number("the longest life of a request, in days,"),
    "disclosure_days": _number("the time that rows and items are kept, in days,"),
    "retention_days": _number("the time that payloads are kept, in days,"),
    "node_retention": _node_retention,
    "answering": _answering,
}
