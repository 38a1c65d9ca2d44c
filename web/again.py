"""Showing again that it is you, before a page that needs it; what was typed there is carried along.

The question stands at the page's own address. It takes a code or a passkey where somebody has a
second factor, else their password, and then does what the form that was sent first says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from storage.accounts import Session
from web.answers import Answer, Go, Shown
from web.forms import Form
from web.passkeys import Passkeys
from web.second_factor import SecondFactors, Standing

NOT_CARRIED = frozenset({"csrf", "confirm", "confirm-only", "confirm-passkey"})


@dataclass(frozen=True)
class At:
    """Where it is asked: the page's address, what the browser is known by, our origin there, and
    the domain of passkeys ("": there are none).
    """

    path: str
    known: str
    origin: str
    domain: str


@dataclass(frozen=True)
class Asking:
    """Asks people again, with the words of a site."""

    factors: SecondFactors
    passkeys: Passkeys
    say: Callable[..., str]

    async def first(self, session: Session, form: Form, at: At) -> Answer | None:
        """What to answer first; None: it is them. `form`: as it was sent, empty where a page was
        only opened.
        """
        if await self.factors.is_fresh(session):
            return None
        only = not form or bool(form.raw("confirm-only"))
        stands = await self.factors.standing(session.account)
        wrong = {}
        if form.all("confirm"):
            if await self._is_them(session, form, at):
                return Go(at.path) if only else None
            wrong = {"confirm": self.say(_wrong(stands))}
        carried = [(name, value) for name, value in form.items() if name not in NOT_CARRIED]
        offered = self.passkeys.asking(at.domain) if stands.has_passkeys and at.domain else ""
        values = {
            "action": at.path, "carried": carried, "only": only, "stands": stands,
            "passkey": offered, "errors": wrong,
        }  # fmt: skip
        return Shown("again.html", values, 400 if wrong else 200)

    async def _is_them(self, session: Session, form: Form, at: At) -> bool:
        passkey, shown = form.raw("confirm-passkey"), form.raw("confirm")[:200]
        if passkey:
            return await self.passkeys.check_again(session, passkey, at.origin)
        return bool(shown) and await self.factors.check_again(session, shown, at.known)


def _wrong(stands: Standing) -> str:
    if stands.has_any:
        return "again.wrong.code"
    return "again.wrong.password" if stands.has_password else "again.wrong.organisation"
