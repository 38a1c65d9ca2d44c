"""The public register in words: who signed what, publishes what, and by whom it answers
(specs/02-charter.md §10). For anybody, so it holds organisations and what they said themselves.
"""

from collections.abc import Mapping
from typing import Any

from protocol.counted import counted
from web.markup import page, paragraph, section, table

TITLE = "Who takes part"
_SHARES = {
    "nhs_number": "an NHS number", "date_of_birth": "a full date of birth",
    "postcode": "a postcode", "permission": "a permission in force",
}  # fmt: skip
_BY = {"person": "a person", "rule": "a rule"}


def to_html(register: Mapping[str, Any]) -> str:
    """One page that stands alone."""
    if register["charter"] is None:
        return page(TITLE, paragraph("Nobody yet. The log has not begun."))
    version, members = register["charter"], register["members"]
    intro = (
        "Organisations that tell each other who works with the same person, under a sharing "
        f"agreement whose version {version} is in force. No person is named here, and none can be "
        "found here."
    )
    signed = [(one["name"], one["title"], _signed(one, version)) for one in members]
    published = [(one["name"], *_published(one["publishes"])) for one in members]
    answers = [
        (one["name"], register["bases"].get(basis, basis), " and by ".join(_BY[who] for who in by))
        for one in members
        for basis, by in one["answers"].items()
    ]
    heads = ("Organisation", "Kind", "Sharing agreement")
    of_figures = (
        "Organisation",
        "People it publishes",
        "How fresh",
        "Practitioners",
        "Of ten records",
    )
    by = ("Organisation", "Lawful basis", "Answers by")
    return page(
        TITLE,
        paragraph(intro),
        section("signed", "Who signed what", table("Members", heads, signed)),
        section(
            "publishes",
            "Who publishes what",
            paragraph("As each said itself this week or last, rounded so that nobody is found."),
            table("What is published", of_figures, published),
        ),
        section(
            "answers",
            "Who answers how",
            paragraph("Whether a person decided or a rule did. Fewer than five are not shown."),
            table("Answers by lawful basis", by, answers) if answers else paragraph("Too few yet."),
        ),
        paragraph("The log of it all can be checked by anybody; /status says how it stands."),
    )


def _signed(one: Mapping[str, Any], version: int) -> str:
    if one["signed"] is None:
        return "not signed yet"
    if one["signed"] == version:
        return f"signed version {version}"
    bound = "is bound by" if one["bound"] else "has not agreed to"
    return f"signed version {one['signed']}, {bound} version {version}"


def _published(said: Mapping[str, Any] | None) -> tuple[str, str, str, str]:
    if said is None:
        return "not said yet", "", "", ""
    age = said["feed_age_days"]
    fresh = "kept by hand"
    if age is not None:
        fresh = counted(age, "day") + " old" if age else "brought up to date that day"
    shares = said["shares"] or {}
    of_ten = ", ".join(f"{shares[name]} have {what}" for name, what in _SHARES.items() if shares)
    clients = f"{said['clients']:,} or more" if said["clients"] else "fewer than 10"
    return clients, fresh, said["practitioners"].replace("_", " "), of_ten
