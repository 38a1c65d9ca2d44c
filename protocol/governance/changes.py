"""What a charter gives more than the one before it: specs/02-charter.md §7.

Pure, and the same for hub, node and auditor: an agency is bound by a new charter at once unless it
loosens something that the agency has not signed. Whatever this module does not know counts as
loosening, whichever way it goes; it never weighs one difference against another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocol.governance.change_words import day_of, text_of
from protocol.governance.charter import Charter
from protocol.governance.comparing import (
    Compare,
    Notes,
    fields,
    ignored,
    items,
    labels,
    number,
    ranked,
    set_of_codes,
    told,
    unknown,
)


@dataclass(frozen=True)
class Differences:
    """What a new charter loosens, tightens and changes otherwise, each in one plain sentence."""

    loosened: tuple[str, ...]
    tightened: tuple[str, ...]
    neutral: tuple[str, ...] = ()


def differences(old: Charter, new: Charter) -> Differences:
    """Every difference between two charters that means anything, in the order of the document."""
    notes = Notes()
    fields(_CHARTER)(notes, "", old.model_dump(mode="json"), new.model_dump(mode="json"))
    return Differences(tuple(notes.loosened), tuple(notes.tightened), tuple(notes.neutral))


def loosens(old: Charter, new: Charter) -> list[str]:
    """What `new` gives more than `old`, in plain sentences. Empty: it binds at once."""
    return list(differences(old, new).loosened)


def _limit(notes: Notes, where: str, old: object, new: object) -> None:
    """A limit: the larger, the looser. By size in the place of one number is not to be weighed."""
    if isinstance(old, int) and isinstance(new, int):
        number(where.rpartition(", ")[2])(notes, where, old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        _BY_SIZE(notes, where, old, new)
    else:
        unknown(notes, where, old, new)


def _past_months(notes: Notes, where: str, old: int | None, new: int | None) -> None:
    """How long past work is seen; a charter from before there was such a number shows none."""
    number("the months for which past work is seen")(notes, where, old or 0, new or 0)


def _invites(notes: Notes, where: str, old: int | None, new: int | None) -> None:
    """How many organisations a member may ask for a day: none, where a charter does not say."""
    number("the organisations that a member may ask for a day")(notes, where, old or 0, new or 0)


def _attention(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """What may be said to the team around a client: nothing, where nothing is stated."""
    if old and new:
        _ATTENTION(notes, where, old, new)
    elif new:
        titles = ", ".join(item["title"] for item in new["kinds"])
        notes.say(f"{where} is possible, {new['per_day']} times a day: {titles}.")
    else:
        notes.say(f"{where} is not possible any more.", loosens=False)


def _confirm_months(notes: Notes, where: str, old: int | None, new: int | None) -> None:
    """After how long unconfirmed work is looked at: never, where a charter does not say."""
    if old is None or new is None:
        often, before = (f"after {one} months" if one else "never" for one in (new, old))
        said = f"work that nobody confirms is looked at {often} ({before} before)."
        notes.say(said, loosens=new is None)
    else:
        number("the months after which unconfirmed work is looked at")(notes, where, old, new)


def _node_retention(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """How long nodes keep: for ever, where a charter does not say."""
    if not new:
        notes.say("how long nodes keep what is over is not bounded any more.")
    elif not old:
        said = ", ".join(f"{name.replace('_', ' ')} {new[name]}" for name in new)
        notes.say(f"how long nodes keep what is over is bounded: {said}.", loosens=False)
    else:
        _NODE_RETENTION(notes, where, old, new)


def _by_rule(notes: Notes, where: str, old: list[str] | None, new: list[str] | None) -> None:
    """Whose requests are allowed without a person: anybody's, where a charter does not say."""
    if old is not None and new is not None:
        set_of_codes(notes, where, old, new)
    elif new is None:
        notes.say(f"{where}: anybody's.")
    else:
        notes.say(f"{where}: {', '.join(new) or 'nobody'} and no other class.", loosens=False)


def _answering(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """How long agencies have to answer: as long as they like, where a charter does not say."""
    if old and new:
        _ANSWERING(notes, where, old, new)
    elif new:
        said = text_of({name: new[name] for name in new if name not in ("holidays", "time_zone")})
        notes.say(f"how long agencies have to answer is bounded: {said}.", loosens=False)
    else:
        notes.say("how long agencies have to answer is not bounded any more.")


def _holidays(notes: Notes, where: str, old: list[str], new: list[str]) -> None:
    """Days on which nobody has to answer: each gives more time."""
    for days, done in ((set(new) - set(old), "more"), (set(old) - set(new), "fewer")):
        if days:
            said = f"{len(days)} {done}, from {min(days)} to {max(days)}"
            notes.say(f"days on which nobody has to answer: {said}.", loosens=done == "more")


def _withdrawn_days(notes: Notes, where: str, old: int, new: int) -> None:
    """Longer keeps more of who withdrew; shorter lets a feed bring them back sooner."""
    notes.say(f"hashes of who withdrew are kept for {new} days ({old} before).")


def _founding_until(notes: Notes, where: str, old: int, new: int) -> None:
    """Later is looser, though it has no effect: what was stated first holds (admission.py)."""
    said = f"{where}: the founding days end on {day_of(new)} ({day_of(old)} before)."
    notes.say(said, loosens=new > old)


def _limits(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """An object of limits."""
    judges = {**dict.fromkeys((*old, *new), _limit), "invites_per_day": _invites}
    fields(judges)(notes, where, old, new)


def _admission(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Terms that a charter does not state stay as they were: to state some only adds to them."""
    if not new:
        notes.say(f"{where} is not stated any more, and stays as it was.", loosens=None)
    elif not old:
        notes.say(f"{where} is stated: late and large members need an endorsement.", loosens=False)
    else:
        _ADMISSION(notes, where, old, new)


def _findable_on(notes: Notes, where: str, old: str | None, new: str | None) -> None:
    """On what lawful basis something is always findable: a charter from before names none."""
    if new is None:
        notes.say(f"{where}: {old} is taken out.", loosens=False)
    else:
        before = old or "none"
        notes.say(f"{where}: always findable on the lawful basis {new} ({before} before).")


def _hint_from(notes: Notes, where: str, old: int | None, new: int | None) -> None:
    """From how many organisations of a class on the duty desk is named: never, if nothing says."""
    said, before = (
        f"from {one} organisations of the class on" if one else "never" for one in (new, old)
    )
    looser = new is not None and (old is None or new < old)
    notes.say(f"{where}: {said} ({before} before).", loosens=looser)


def _objection(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Who may share in spite of an objection: nobody, where nothing is stated."""
    if old and new:
        _OBJECTION(notes, where, old, new)
    elif new:
        notes.say(f"{where} is possible, for {', '.join(new['roles'])}.")
    else:
        notes.say(f"{where} is not possible any more.", loosens=False)


def _enquiry(notes: Notes, where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Who may enquire about people who are no clients of theirs: nobody, where it is not stated."""
    if old and new:
        _ENQUIRY(notes, where, old, new)
    elif new:
        notes.say(f"{where} is possible, for {', '.join(new['classes'])}.")
    else:
        notes.say(f"{where} is not possible any more.", loosens=False)


def _record(notes: Notes, where: str, old: str | None, new: str | None) -> None:
    """Where a fact of the asker's is from: typed is the loosest."""
    before, after = (
        f"the asker's consent record ({text_of(one)})" if one else "typed" for one in (old, new)
    )
    notes.say(f"{where} becomes {after} ({before} before).", loosens=old is not None)


_BY_SIZE = fields(
    {
        "least": number("the least"),
        "per_thousand": number("the number for a thousand clients"),
    }
)

# A key that goes takes its equality along, which lowers scores, and its difference, which does not.
_KEY = fields(
    {
        "agree": number("the weight of equality", hundredths=True),
        "disagree": number("the weight of a difference", hundredths=True),
        "cap": number("the most tokens of a record"),
        "place": unknown,  # evidence of a place, or of none: the guard wants both
    }
)
_CONTESTED = fields(
    {
        "margin": number("how close a rival may come", loose="down", hundredths=True),
        "close": number("what a close rival costs", hundredths=True),
        "worse": number("what a better rival costs", hundredths=True),
        "elsewhere": number("what two records elsewhere cost", hundredths=True),
    }
)
_GUARD = fields(
    {"upper": number("the score for an automatic match", loose="down", hundredths=True)}
)
_POLICY = fields(
    {
        "name": ignored,
        "version": ignored,
        "bias": number("the score that every pair starts from", hundredths=True),
        "upper": number("the score for an automatic match", loose="down", hundredths=True),
        "lower": number("the score for a possible match", loose="down", hundredths=True),
        "guard_given": set_of_codes,
        "guards": fields({"guarded": _GUARD, "open": _GUARD}),
        "operating_point": unknown,  # each point has its own guard
        "contested": _CONTESTED,
        "keys": items("id", _KEY, removed=lambda item: bool(item["disagree"])),
    }
)
_INVOLVEMENT_TYPE = fields(
    {
        "openness": ranked("sensitive", "open", "always_findable"),
        "visible_to": set_of_codes,
        "labels": labels,
        "basis": _findable_on,
        "brokered_to": set_of_codes,
        "hint_from": _hint_from,
        "notice": ranked("notice", "digest", "quiet"),
    }
)
# A fact that travels in the clear is news to the hub; one that is committed, or is the holder's own
# to look at, is not.
_FACTS = items(
    "field",
    fields({"record": _record}),
    added=lambda item: item["type"] not in {"committed", "consent"},
    removed=lambda item: True,
)
_BASIS = fields(
    {
        "in_force": ranked("no", "pending", "yes"),
        "requester_classes": set_of_codes,
        "holder_classes": set_of_codes,
        "purposes": set_of_codes,
        "must_record": _FACTS,
        "notify_subject": ranked(True, False),
        "objection": _objection,
        "urgent": ranked(True, False),
        "by_rule": _by_rule,
        "reason_in_writing": ranked(True, False),
    }
)
_OBJECTION = fields(
    {
        "holder_classes": set_of_codes,
        "roles": set_of_codes,
        "reasons": items("code", unknown),
    }
)
_ENQUIRY = fields(
    {
        "classes": set_of_codes,
        "bases": set_of_codes,
        "days": number("the days for which an enquiry is seen"),
        "per_person_day": number("the number of enquiries of one person in a day"),
        "per_agency_day": number("the number of enquiries of one agency in a day"),
    }
)
_ATTENTION = fields(
    {
        "kinds": items("code", unknown),
        "per_day": number("the times a day that an agency may raise it"),
    }
)
_ADMISSION = fields(
    {
        "founding_until": _founding_until,
        "cooling_days": number("the days that a late member waits", loose="down"),
        "largest_member": number("the clients of the largest member without endorsement"),
    }
)
_NODE_RETENTION = fields(
    {
        "closed_client_days": number("the days for which closed clients are kept"),
        "request_days": number("the days for which requests are kept"),
        "news_days": number("the days for which news are kept"),
        "withdrawn_days": _withdrawn_days,
    }
)
_ANSWERING = fields(
    {
        "holidays": _holidays,
        "worker_days": number("the days that a worker has to answer"),
        "duty_days": number("the days that duty has to answer"),
        "manager_days": number("the days that a manager has to answer"),
        "urgent_duty_hours": number("the hours that duty has for what is urgent"),
        "urgent_manager_hours": number("the hours that a manager has for what is urgent"),
    }
)
_CHARTER: Mapping[str, Compare] = {
    "version": ignored,
    "predecessor": ignored,
    "hub": fields({}),
    "witnesses": items("name", unknown, removed=lambda item: True),
    "quorum": number("the number of witnesses that must sign", loose="down"),
    "classes": items("code", unknown),
    "involvement_types": items("code", _INVOLVEMENT_TYPE),
    "roles": set_of_codes,
    "purposes": items("code", unknown),
    "lawful_bases": items("code", _BASIS),
    "match_policy": _POLICY,
    "tables": fields({}),
    "quotas": _limits,
    "admission": _admission,
    "duty_desk": fields({"name": told, "phone": told, "hours": told}),
    "enquiry": _enquiry,
    "attention": _attention,
    "past_months": _past_months,
    "confirm_months": _confirm_months,
    "request_lifetime_days": number("the longest life of a request, in days,"),
    "disclosure_days": number("the time that rows and items are kept, in days,"),
    "retention_days": number("the time that payloads are kept, in days,"),
    "node_retention": _node_retention,
    "answering": _answering,
}
