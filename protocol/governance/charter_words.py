"""A charter as the people who sign it read it: what it allows whom, in plain lines. Pure.

specs/02-charter.md §7. Keys, hashes and weights are left to `--json`: a person can check none of
them. Every number and every code here is the charter's own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from protocol.counted import counted
from protocol.governance.change_words import day_of
from protocol.governance.charter import Charter, LawfulBasis
from protocol.governance.involvement_types import InvolvementType
from protocol.governance.limits import allowed
from protocol.governance.numbers import Limit

_IN_FORCE = {"yes": "", "pending": ", not in force yet", "no": ", not in force"}
_TOLD = {
    "quiet": "it stands on a list",
    "digest": "a number a day",
    "notice": "a line, and mail",
}


@dataclass(frozen=True)
class Section:
    """One part of the agreement: what it is about, and its lines."""

    title: str
    lines: tuple[str, ...]


def charter_in_words(charter: Charter, clients: int | None = None) -> tuple[Section, ...]:
    """What a charter says, part by part. `clients`: of the agency that reads it, whose quotas are
    then numbers.
    """
    parts = {
        "Duty desk, under every team": _duty_desk(charter),
        "Who takes part": [f"{item.code}: {item.title}" for item in charter.classes],
        "Types of work, and who sees them": [_type(item) for item in charter.involvement_types],
        "Lawful bases": [line for item in charter.lawful_bases for line in _basis(item, charter)],
        "Beside requests": list(_beside(charter)),
        "How long agencies have to answer": list(_answering(charter)),
        "Quotas of one agency": list(_quotas(charter, clients)),
        "How long things are kept": list(_retention(charter)),
        "Who watches": list(_watchers(charter)),
    }
    return tuple(Section(title, tuple(lines)) for title, lines in parts.items() if lines)


def _duty_desk(charter: Charter) -> list[str]:
    desk = charter.duty_desk
    return [f"{desk.name}, {desk.phone}, {desk.hours}"]


def _type(item: InvolvementType) -> str:
    seen = _codes(item.visible_to)
    if item.openness == "sensitive":
        said = f"sensitive: shown to nobody; it may be brokered to {_codes(item.brokered_to)}"
        if item.hint_from is not None:
            said += f"; the duty desk may be named to {seen} from {item.hint_from} organisations on"
    elif item.openness == "always_findable":
        on = f" on {item.basis}" if item.basis else ""
        said = f"always findable{on}: seen by {seen}"
    else:
        said = f"seen by {seen}"
    return f"{item.code} ({item.title}): {said}. Others hear of it: {_TOLD[item.notice]}"


def _basis(item: LawfulBasis, charter: Charter) -> Iterator[str]:
    known = "consent" if item.permission_class == "consent" else "duty"
    yield f"{item.code} ({item.title}): {known}{_IN_FORCE[item.in_force]}"
    yield f"  source: {item.source}"
    yield f"  may ask: {_codes(item.requester_classes)}; of: {_codes(item.holder_classes)}"
    titles = {one.code: one.title for one in charter.purposes}
    yield f"  for: {'; '.join(titles[code] for code in item.purposes) or 'nothing'}"
    facts = [one.title for one in item.must_record]
    yield f"  must be recorded: {'; '.join(facts) or 'nothing'}"
    rule = "anybody's" if item.by_rule is None else _codes(item.by_rule)
    yield f"  requests that a rule may allow without a person: {rule}"
    terms = [
        "it is urgent" if item.urgent else "",
        "the person concerned is told" if item.notify_subject else "",
        "a refusal says why in writing" if item.reason_in_writing else "",
    ]
    if said := [term for term in terms if term]:
        yield f"  {', '.join(said)}"
    if item.objection is not None:
        who = _codes(item.objection.roles).replace("_", " ")
        where = _codes(item.objection.holder_classes)
        yield f"  an objection may be overridden by: {who}; at: {where}"


def _beside(charter: Charter) -> Iterator[str]:
    if charter.enquiry is not None:
        rule = charter.enquiry
        who, on = _codes(rule.classes), ", ".join(rule.bases)
        yield (
            f"enquiries about people who are no clients: by {who}, on {on}; seen for "
            f"{counted(rule.days, 'day')}; {rule.per_person_day} a day for one person, "
            f"{rule.per_agency_day} for an agency"
        )
    if charter.attention is not None:
        said = "; ".join(kind.title for kind in charter.attention.kinds)
        yield f"raising attention, {counted(charter.attention.per_day, 'time')} a day: {said}"
    if charter.past_months:
        yield f"past work is seen for {counted(charter.past_months, 'month')}"
    if charter.confirm_months is not None:
        months = counted(charter.confirm_months, "month")
        yield f"work that nobody confirms is looked at after {months}"


def _answering(charter: Charter) -> Iterator[str]:
    yield f"a request lives {counted(charter.request_lifetime_days, 'day')}"
    times = charter.answering
    if times is None:
        return
    yield (
        f"in working days ({times.time_zone}): a worker {times.worker_days}, duty "
        f"{times.duty_days}, a manager {times.manager_days}"
    )
    yield (
        f"urgent, by the clock: duty {counted(times.urgent_duty_hours, 'hour')}, a manager "
        f"{counted(times.urgent_manager_hours, 'hour')}"
    )
    if times.holidays:
        holidays = counted(len(times.holidays), "holiday")
        yield f"{holidays}, {times.holidays[0]} to {times.holidays[-1]}"


def _quotas(charter: Charter, clients: int | None) -> Iterator[str]:
    quotas = charter.quotas
    yield f"requests a day: {quotas.requests_per_day}"
    yield f"identity checks a day: {quotas.identity_checks_per_day}"
    if quotas.invites_per_day is not None:
        yield f"organisations it may ask the council to invite a day: {quotas.invites_per_day}"
    yield f"evaluations a day: {_limit(quotas.evaluations_per_day, clients)}"
    if quotas.evaluations_at_once is not None:
        yield f"evaluations at once: {_limit(quotas.evaluations_at_once, clients)}"
    yield f"clients in a first publication: {_limit(quotas.first_stubs, clients)}"
    yield f"new clients a day: {_limit(quotas.new_stubs_per_day, clients)}"
    yield f"records of one agency that may share a token: {quotas.stubs_per_token}"
    yield f"changes of a record in 30 days: {quotas.token_changes_per_stub}"
    if charter.admission is not None:
        terms = charter.admission
        yield (
            f"who joins after {day_of(terms.founding_until)}, or has over "
            f"{terms.largest_member} clients, "
            "needs an endorsement; a late member waits "
            f"{counted(terms.cooling_days, 'day')} for key holders"
        )


def _retention(charter: Charter) -> Iterator[str]:
    yield f"signed messages, at the hub: {counted(charter.retention_days, 'day')}"
    yield f"rows of publications and items of rounds: {counted(charter.disclosure_days, 'day')}"
    if charter.node_retention is not None:
        kept = charter.node_retention
        closed, news = counted(kept.closed_client_days, "day"), counted(kept.news_days, "day")
        yield f"at a node, clients with whom all work is over: {closed}"
        yield f"at a node, requests: {counted(kept.request_days, 'day')}; news: {news}"
        yield f"at a node, keyed hashes of who withdrew: {counted(kept.withdrawn_days, 'day')}"


def _watchers(charter: Charter) -> Iterator[str]:
    key = charter.token_key
    witnesses = counted(len(charter.witnesses), "witness")
    yield f"{charter.quorum} of {witnesses} must sign the log:"
    for witness in charter.witnesses:
        yield f"  {witness.name} ({witness.control_domain})"
    yield f"{key.threshold} of {counted(len(key.holders), 'key holder')} make tokens:"
    for holder in key.holders:
        yield f"  {holder.name} ({holder.control_domain})"
    policy = charter.policy
    yield f"matching: policy {policy.name} version {policy.version}, {policy.operating_point}"


def _limit(limit: Limit, clients: int | None) -> str:
    if isinstance(limit, int):
        return f"{limit:,}"
    share = f"{limit.per_thousand:,} for a thousand clients, at least {limit.least:,}"
    return share if clients is None else f"{allowed(limit, clients):,} for you ({share})"


def _codes(codes: Sequence[str]) -> str:
    return ", ".join(codes) or "nobody"


_OF_TITLES = ("raising attention, ", "  for: ", "  must be recorded: ", "  source: ")


def with_titles(charter: Charter, line: str) -> str:
    """A line about a charter for a page that nobody reads a code on: each kind of member, type of
    work and lawful basis by its title. A line of titles has no codes, and words that are like some.
    """
    if line.startswith(_OF_TITLES):
        return line
    titles = {item.code: item.title for item in charter.classes}
    titles |= {item.code: item.title for item in charter.involvement_types}
    titles |= {item.code: item.title for item in charter.lawful_bases}
    either = "|".join(
        rf"{re.escape(code)}(?: \({re.escape(title)}\)|: {re.escape(title)})?"
        for code, title in sorted(titles.items(), key=lambda item: -len(item[0]))
    )
    return re.sub(
        rf"(?<![\w-])(?:{either})(?![\w-])",
        lambda found: titles[re.split(r"[ :]", found[0], maxsplit=1)[0]],
        line,
    )
