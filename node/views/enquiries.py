"""Enquiries about people who are no clients, as values: who is asked about, and what came of it."""

from dataclasses import replace
from typing import Any

from node.membership.hub import HubMembership
from node.store.enquiries import Enquiry, EnquiryState
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.bases import Offered, offered
from protocol.governance.enquiries import ENQUIRY
from protocol.governance.limits import DAY
from protocol.requests.refusals import sentence


def enquiries_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """Everybody who is enquired about at this hub, with each enquiry."""
    return [
        enquiry_value(tables, membership, client)
        for client in tables.enquiries.about(membership.hub.hub_id)
    ]


def enquiry_value(tables: NodeTables, membership: HubMembership, client: Client) -> dict[str, Any]:
    """One of them. `goes_on`: others are shown it now, or as soon as the hub has it."""
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    works = tables.records.in_force(client.id, membership.at())
    stub = tables.stubs.of_client(hub_id, client.id)
    made = tables.enquiries.of_client(client.id)
    return {
        "enquiry": client.local_id,
        "given": client.record.given,
        "family": client.record.family,
        "date_of_birth": client.record.date_of_birth,
        "goes_on": bool(works),
        "published": stub is not None and not stub.retired,
        "until": max((one.until for one in made if one.state is EnquiryState.ALLOWED), default=now),
        "asked": [_asked(tables, one) for one in made],
    }


def _asked(tables: NodeTables, one: Enquiry) -> dict[str, Any]:
    person = tables.people.get(one.practitioner)
    return {
        "by": person.title if person else None,
        "at": one.made_at,
        "basis": one.basis,
        "purpose": one.purpose,
        "state": one.state.value,
        "code": one.code,
        "says": sentence(one.code, one.field) if one.code else None,
    }


def enquirable(tables: NodeTables, membership: HubMembership) -> Offered:
    """The lawful bases on which our class may enquire, and the titles of purposes. Raises
    LocalError if we are no active member.
    """
    found, rule = offered(tables, membership), membership.charter.enquiry
    codes = rule.bases if rule else ()
    return replace(found, bases=tuple(item for item in found.bases if item.code in codes))


def terms_value(
    tables: NodeTables, membership: HubMembership, practitioner: int
) -> dict[str, Any] | None:
    """What the charter says of enquiries to who is about to make one (a row id): who will see that
    it was made, for how many days, on which bases, and how many are left today. None: it knows
    none.
    """
    charter, rule = membership.charter, membership.charter.enquiry
    kind = charter.involvement_type(ENQUIRY)
    if rule is None or kind is None:
        return None
    now = membership.env.clock()
    own, every = tables.enquiries.made_since(membership.hub.hub_id, practitioner, now - now % DAY)
    titles = {item.code: item.title for item in charter.classes}
    left = min(rule.per_person_day - own, rule.per_agency_day - every)
    return {
        "may_enquire": membership.me().body.member_class in rule.classes,
        "seen_by": [titles[code] for code in kind.visible_to],
        "days": rule.days,
        "bases": list(rule.bases),
        "left_today": max(0, left),
    }
