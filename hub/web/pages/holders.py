"""The key holders' meters: how much each evaluated for whom, as it counted itself."""

from collections import Counter
from typing import Any

from hub.members.accounts import OPERATOR
from hub.members.small_numbers import at_least, shown
from hub.members.take_up import DAY, agencies
from hub.store.tables import HubTables
from hub.web.pages.desk import HubPage, HubVisit
from protocol.governance.charter import Charter
from protocol.governance.limits import allowed
from protocol.messages.evaluations import EvaluationCountBody
from protocol.messages.statement import parse_statement
from web.site import Answer, Shown

DAYS = 7
MOST = 60  # statements of a holder: a day of many agencies is several


async def show(visit: HubVisit) -> Answer:
    """Show the last days of every key holder, and for which agencies."""
    now = visit.here.now
    return Shown("holders.html", await visit.here.read(lambda tables: meters(tables, now)))


def meters(tables: HubTables, now: int) -> dict[str, Any]:
    """By holder, and by agency; an agency counted twice for a day has the larger number."""
    directory = tables.directory.current()
    charter, first = directory.charter, now // DAY - DAYS
    holders, by_agency = [], dict[str, list[int]]()
    names = agencies(tables)
    for place, holder in enumerate(charter.token_key.holders):
        days = _days(tables, holder.holder_id)
        total = Counter[str]()
        for (day, party_id), number in days.items():
            if day >= first:
                total[party_id] += number
        for party_id in total:
            row = by_agency.setdefault(party_id, [0] * len(charter.token_key.holders))
            row[place] = total[party_id]
        holders.append(
            {
                "name": holder.name,
                "domain": holder.control_domain,
                "last_day": max((day for day, _ in days), default=None),
                "total": at_least([*total.values()]),
            }
        )
    rows = [
        {
            "name": names.get(party_id, party_id),
            "numbers": [shown(number) for number in numbers],
            "budget": _budget(charter, directory.clients_of(party_id)) * DAYS,
            "over": max(numbers) > _budget(charter, directory.clients_of(party_id)) * DAYS,
        }
        for party_id, numbers in by_agency.items()
    ]
    rows.sort(key=lambda row: str(row["name"]).casefold())
    needed = charter.token_key.threshold
    return {"holders": holders, "rows": rows, "days": DAYS, "needed": needed}


def _days(tables: HubTables, holder_id: str) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    for envelope in tables.log.newest_of(holder_id, "evaluation_count", MOST):
        body = parse_statement(envelope).expect(EvaluationCountBody).body
        for one in body.counts:
            key = (body.day, one.party_id)
            found[key] = max(found.get(key, 0), one.evaluations)
    return found


def _budget(charter: Charter, clients: int) -> int:
    """How many evaluations a day the charter gives an agency of that size."""
    return allowed(charter.quotas.evaluations_per_day, clients)


PAGES = [HubPage("/key-holders", OPERATOR, show, nav="holders.page.nav", room="/")]
