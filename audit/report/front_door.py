"""Enquiries about people who are no clients, agency by agency: specs/08-audit.md §8.

Counts of logged facts; who was enquired about no log knows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from audit.report.figures import Audited
from audit.rules.history import DAY, Enquired
from protocol.counted import counted
from protocol.governance.enquiries import EnquiryRule
from web.markup import paragraph, section, table


@dataclass(frozen=True)
class Enquiries:
    """One agency's: how many, how many the hub refused, by how many people, the most in one day of
    the agency and of one person, and on how many days either was over the charter's budget.
    """

    made: int
    refused: int
    people: int
    most_a_day: int
    most_of_one: int
    days_over: int


def enquiries_by_agency(audited: Audited) -> dict[str, Enquiries]:
    """Agency, by id, to its enquiries."""
    by_agency: dict[str, list[Enquired]] = {}
    for item in audited.history.enquiries.values():
        by_agency.setdefault(item.agency, []).append(item)
    return {agency: _counted(audited, items) for agency, items in sorted(by_agency.items())}


def enquiries_section(audited: Audited) -> str:
    """The part of the report's page."""
    rows = [
        (
            audited.name(agency), made.made, made.refused, made.people, made.most_a_day,
            made.most_of_one,
            f"over a budget on {counted(made.days_over, 'day')}" if made.days_over else "",
        )
        for agency, made in enquiries_by_agency(audited).items()
    ]  # fmt: skip
    says = (
        "A front door may enquire about people who are not its clients, within the charter's "
        "budgets. Whom about is in no log. Many of them, and many by one person, are a reason to "
        "ask."
    )
    heads = ("Enquires", "Enquiries", "Refused", "People", "Most in a day", "Of one person", "Note")
    made = table("Enquiries by agency", heads, rows) if rows else ""
    none = "" if rows else " There were none."
    return section("enquiries", "Enquiries", paragraph(says + none), made)


def _counted(audited: Audited, items: Sequence[Enquired]) -> Enquiries:
    allowed = [item for item in items if item.outcome == "allow"]
    most = Counter(item.asked_at // DAY for item in items)
    most_of_one = Counter((item.asked_at // DAY, item.practitioner) for item in items)
    days = Counter(item.asked_at // DAY for item in allowed)
    ones = Counter((item.asked_at // DAY, item.practitioner) for item in allowed)
    rules = {
        item.asked_at // DAY: audited.verified.directory.charter_at(item.index).charter.enquiry
        for item in allowed
    }
    over = {day for day, count in days.items() if count > _budget(rules[day])[0]}
    over |= {day for (day, _), count in ones.items() if count > _budget(rules[day])[1]}
    return Enquiries(
        made=len(items),
        refused=sum(item.outcome == "refuse" for item in items),
        people=len({item.practitioner for item in items}),
        most_a_day=max(most.values()),
        most_of_one=max(most_of_one.values()),
        days_over=len(over),
    )


def _budget(rule: EnquiryRule | None) -> tuple[int, int]:
    """How many a day an agency, and one person, may make."""
    return (rule.per_agency_day, rule.per_person_day) if rule else (0, 0)
