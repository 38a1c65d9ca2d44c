"""The family of a client, as far as they are clients here too. It stays at the agency."""

from node.actions.clients import change_family
from node.records.accounts import STAFF
from node.records.families import relatives
from node.store.tables import NodeTables
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown


async def show(visit: NodeVisit) -> Answer:
    """Show who is in the family, and ask who else is."""
    client = await visit.here.client(visit.number("client"))

    def look(tables: NodeTables) -> list[dict[str, object]]:
        found = relatives(tables, client.local_id)
        known = {c.id: c.record for c in tables.records.clients_by_row([r.client for r in found])}
        return [
            {
                "client": one.local_id,
                "given": known[one.client].given,
                "family": known[one.client].family,
                "relation": one.relation,
                "of_them": one.of_them,
            }
            for one in found
        ]

    values = {"client": client.record, "row": client.id, "family": await visit.here.read(look)}
    return Shown("team/family.html", values)


async def change(visit: NodeVisit) -> Answer:
    """Somebody joins the family, or leaves it."""
    client = await visit.here.client(visit.number("client"))
    form, engine = visit.form, visit.here.engine
    if without := form.raw("without"):
        await change_family(engine, client.local_id, without=without)
        return Go(f"/clients/{client.id}/family")
    number = form.text("number", missing="team.wrong.number")
    if number == client.local_id:
        raise InvalidForm({"number": "team.wrong.same"})
    relation = form.text("relation", missing="team.wrong.relation")
    other = await visit.here.read(lambda tables: tables.records.client(number))
    if other is not None:
        await visit.here.client(other.id)  # they and their team are shown here from then on
    try:
        await change_family(engine, client.local_id, (number, relation))
    except LocalError as error:
        said = {
            ErrorCode.NOT_FOUND: {"number": "team.wrong.nobody"},
            ErrorCode.MALFORMED: {"relation": "team.wrong.relation"},
            ErrorCode.CONFLICT: {"number": "team.wrong.not_family"},
        }
        if error.code in said:
            raise InvalidForm(said[error.code]) from None
        raise
    return Go(f"/clients/{client.id}")


PAGES = [NodePage("/clients/{client}/family", STAFF, show, change)]
