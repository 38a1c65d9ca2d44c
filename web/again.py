"""Showing again that it is you, before a page that needs it; what was typed there is carried along.

The question stands at the page's own address. It takes a code where somebody has a second factor,
else their password, and then does what the form that was sent first says.
"""

from collections.abc import Callable

from storage.accounts import Session
from web.answers import Answer, Go, Shown
from web.forms import Form
from web.second_factor import SecondFactors

NOT_CARRIED = frozenset({"csrf", "confirm", "confirm-only"})


async def ask_again(
    factors: SecondFactors,
    say: Callable[..., str],
    session: Session,
    sent: tuple[Form, str, str],
) -> Answer | None:
    """What to answer first; None: it is them. `sent`: the form (empty: a page was opened), the
    address, and what the browser is known by.
    """
    form, path, known = sent
    if await factors.is_fresh(session):
        return None
    only = not form or bool(form.raw("confirm-only"))
    stands = await factors.standing(session.account)
    wrong = {}
    if form.all("confirm"):
        shown = form.raw("confirm")[:200]
        if shown and await factors.check_again(session, shown, known):
            return Go(path) if only else None
        wrong = {"confirm": say("again.wrong.code" if stands.has_any else "again.wrong.password")}
    carried = [(name, value) for name, value in form.items() if name not in NOT_CARRIED]
    values = {
        "action": path, "carried": carried, "only": only, "stands": stands, "errors": wrong,
    }  # fmt: skip
    return Shown("again.html", values, 400 if wrong else 200)
