"""What agencies asked of the hub, agency by agency: specs/08-audit.md §8."""

from audit.report.figures import (
    Audited,
    alerts,
    identity_checks,
)
from protocol.counted import counted
from web.markup import paragraph, section, table


def identity_checks_section(audited: Audited) -> str:
    """Identity checks by asking agency."""
    rows = [
        (
            audited.name(agency), made.asked, made.named, made.nothing_sent, made.same,
            made.otherwise, made.most_a_day,
            f"over the quota on {counted(made.days_over, 'day')}" if made.days_over else "",
        )
        for agency, made in identity_checks(audited).items()
    ]  # fmt: skip
    says = (
        "Who asks for an identity check is told which agency is at the other end, and that agency "
        "that it was asked about. Many of them, few answered with the same person, and many to "
        "which no details followed are a reason to ask."
    )
    heads = (
        "Asks", "Checks", "Named another", "Sent nothing then", "Same person", "Other answers",
        "Most in a day", "Note",
    )  # fmt: skip
    made = table("Identity checks by asking agency", heads, rows) if rows else ""
    none = "" if rows else " There were none."
    return section("identity", "Identity checks", paragraph(says + none), made)


def introductions_section(audited: Audited) -> str:
    """Introductions by asking agency."""
    rows = [
        (
            audited.name(agency), made.asked, made.named, made.most_a_day,
            f"over the quota on {counted(made.days_over, 'day')}" if made.days_over else "",
        )
        for agency, made in identity_checks(audited, "introduction_request").items()
    ]  # fmt: skip
    says = (
        "Who asks to be introduced to a service that nobody sees is told which agency it is, and "
        "that agency who asked. Clients have agreed to it on both sides."
    )
    heads = ("Asks", "Introductions", "Named another", "Most in a day", "Note")
    made = table("Introductions by asking agency", heads, rows) if rows else ""
    none = "" if rows else " There were none."
    return section("introductions", "Introductions", paragraph(says + none), made)


def alerts_section(audited: Audited) -> str:
    """Attention and invites by agency."""
    rows = [
        (
            audited.name(agency), said.raised, said.most_a_day, said.invites,
            f"over the quota on {counted(said.days_over, 'day')}" if said.days_over else "",
        )
        for agency, said in alerts(audited).items()
    ]  # fmt: skip
    says = (
        "An agency may tell the team around a client that something happened, in a code of the "
        "charter's, and ask the council to invite an organisation. The log does not hold who was "
        "told, nor how many."
    )
    heads = ("Agency", "Attention raised", "Most in a day", "Invites", "Note")
    made = table("Attention and invites by agency", heads, rows) if rows else ""
    return section("attention", "Attention", paragraph(says + ("" if rows else " None.")), made)
