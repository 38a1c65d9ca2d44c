"""The family of a client, as far as they are clients here too. It stays at the agency."""

from node.actions.clients import change_family
from node.records.accounts import STAFF
from node.records.families import relatives
from node.records.search import search
from node.store.records import Client
from node.store.search import Whose
from node.store.tables import NodeTables
from node.web.pages.clients import MOST_WORDS, outlined
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
    words = form.text("words", missing="team.wrong.words", most=MOST_WORDS)
    relation = form.text("relation", missing="team.wrong.relation")
    chosen = form.numbers("relative")
    if not chosen:
        return await _which(visit, client, words)
    other = await visit.here.client(min(chosen))  # they and their team are shown here from then on
    try:
        await change_family(engine, client.local_id, (other.local_id, relation))
    except LocalError as error:
        said = {
            ErrorCode.MALFORMED: {"relation": "team.wrong.relation"},
            ErrorCode.CONFLICT: {"words": "team.wrong.not_family"},
        }
        if error.code in said:
            raise InvalidForm(said[error.code]) from None
        raise
    return Go(f"/clients/{client.id}")


async def _which(visit: NodeVisit, client: Client, words: str) -> Answer:
    """Ask which of those whom words may mean it is. Raises InvalidForm: they mean nobody else."""
    now = visit.here.now
    found = await visit.here.read(lambda tables: search(tables, words, Whose(), now))
    others = [one for one in found.clients if one.id != client.id]
    if not others:
        wrong = "team.wrong.same" if found.clients else "team.wrong.nobody"
        raise InvalidForm({"words": wrong})
    values = {"client": client.record, "row": client.id, "found": others, "more": found.more}
    if visit.form.raw("asked"):
        visit.errors = {"relative": visit.site.say("team.wrong.which")}
    return Shown("team/relative.html", values | await outlined(visit, others))


PAGES = [NodePage("/clients/{client}/family", STAFF, show, change)]
