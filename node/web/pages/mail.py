"""How somebody hears by e-mail that there is news for them: a mail never says what."""

from node.config import MailWish
from node.records import people
from node.records.accounts import EVERYBODY
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown


async def show(visit: NodeVisit) -> Answer:
    """Show how it is now, and ask."""
    here = visit.here
    person = await here.read(lambda tables: tables.people.get(here.person.id)) or here.person
    usual = here.settings.mail.usual.value if here.settings.mail is not None else ""
    return Shown(
        "news/mail.html",
        {
            "wishes": [wish.value for wish in MailWish],
            "wish": person.mail_wish or usual,
            "to": person.mail_to or "",
            "on_card": person.email or "",
            "refused": person.mail_refused if person.mail_address is None else "",
            "sends": here.settings.mail is not None,
            "saved": "saved" in visit.request.query,
        },
    )


async def choose(visit: NodeVisit) -> Answer:
    """Take down when somebody wants mail, and where."""
    wish = MailWish(visit.form.one_of("wish", MailWish, "news.wrong.wish"))
    to, name = visit.form.text("to"), visit.here.title
    try:
        await visit.here.engine.write(lambda tables: people.set_mail(tables, name, wish, to))
    except LocalError as error:
        keys = {
            ErrorCode.MALFORMED: "news.wrong.address",
            ErrorCode.NOT_READY: "news.wrong.no_address",
        }
        if error.code not in keys:
            raise
        raise InvalidForm({"to": keys[error.code]}) from None
    return Go("/mail?saved")


PAGES = [NodePage("/mail", EVERYBODY, show, choose)]
