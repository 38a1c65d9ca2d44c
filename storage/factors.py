"""What people who sign in show besides a password: a code of an app, a recovery code, a passkey.

And what goes with it: who has shown a password and not yet the rest, when somebody showed last that
it is them, and in which browsers they were before. One transaction each; nothing here decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.accounts import hashed
from storage.engine import Transaction


@dataclass(frozen=True, repr=False)
class App:
    """An app that makes codes. `secret` None: not set up; `pending`: one that is being set up.
    `last_step`: of the code that was used last.
    """

    account: int
    secret: str | None
    pending: str | None
    last_step: int
    since: int | None


@dataclass(frozen=True, repr=False)
class Passkey:
    """A passkey, by the name that its owner gave it. `credential` and `public_key` as WebAuthn has
    them; `sign_count`: what it counted when it was used last, at `used_at`.
    """

    id: int
    account: int
    credential: bytes
    public_key: bytes
    sign_count: int
    name: str
    since: int
    used_at: int


@dataclass(frozen=True, repr=False)
class Step:
    """Somebody whose password was right, and who is to show more."""

    id_hash: str
    account: int
    started_at: int


@dataclass(frozen=True, repr=False)
class KnownBrowser:
    """A browser in which somebody signed in before, and how often a password was wrong in it."""

    id_hash: str
    account: int
    seen_at: int
    failures: int = 0
    locked_until: int = 0


USED_OR_ENDED = (
    "sent_form", "session_check", "session", "sign_in_step", "known_browser", "recovery_code",
)  # fmt: skip

WHO_SIGNS_IN = (
    "Recovery codes, one-time links and who was signed in are void: they may have been used since. "
    "Look through the accounts: who was shut out since, or lost a telephone, may sign in as before."
)
"""What a person is told who restored."""


class Factors:
    """Apps, recovery codes and passkeys."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def has_any(self, account: int) -> bool:
        """Whether somebody shows something besides a password."""
        app = self.app(account)
        return (app is not None and app.secret is not None) or bool(self.passkeys(account))

    def app(self, account: int) -> App | None:
        """Somebody's app, set up or begun."""
        row = self._tx.one("SELECT * FROM authenticator_app WHERE account = ?", account)
        return App(**row) if row else None

    def begin_app(self, account: int, secret: str) -> None:
        """An app is being set up; one that is there holds until that is done."""
        row = {"account": account, "pending": secret}
        self._tx.put("authenticator_app", row, ("account",))

    def confirm_app(self, account: int, secret: str, step: int, now: int) -> None:
        """The app that was begun is the one from now on."""
        values = {"secret": secret, "pending": None, "last_step": step, "since": now}
        self._tx.update("authenticator_app", values, {"account": account})

    def use_step(self, account: int, step: int) -> None:
        """A code of that step was used: none up to it is taken again."""
        self._tx.update("authenticator_app", {"last_step": step}, {"account": account})

    def drop_app(self, account: int) -> None:
        """Somebody's app is no more; nor are recovery codes where no passkey is left."""
        self._tx.run("DELETE FROM authenticator_app WHERE account = ?", account)
        self._tidy(account)

    def put_codes(self, account: int, codes: Iterable[str]) -> None:
        """Recovery codes, instead of all that were there."""
        self._tx.run("DELETE FROM recovery_code WHERE account = ?", account)
        for code in codes:
            self._tx.insert("recovery_code", {"account": account, "code_hash": hashed(code)})

    def use_code(self, account: int, code: str) -> bool:
        """Use a recovery code up; whether there was such a one."""
        sql = "DELETE FROM recovery_code WHERE account = ? AND code_hash = ?"
        return self._tx.run(sql, account, hashed(code)) == 1

    def codes_left(self, account: int) -> int:
        """How many recovery codes were not used."""
        sql = "SELECT COUNT(*) AS n FROM recovery_code WHERE account = ?"
        row = self._tx.one(sql, account)
        return int(row["n"]) if row else 0

    def passkeys(self, account: int) -> Sequence[Passkey]:
        """Somebody's passkeys, the oldest first."""
        sql = "SELECT * FROM passkey WHERE account = ? ORDER BY id"
        return [Passkey(**row) for row in self._tx.rows(sql, account)]

    def passkey(self, credential: bytes) -> Passkey | None:
        """The passkey of that credential id."""
        row = self._tx.one("SELECT * FROM passkey WHERE credential = ?", credential)
        return Passkey(**row) if row else None

    def add_passkey(self, account: int, made: tuple[bytes, bytes, int], name: str, now: int) -> int:
        """A new passkey: credential id, public key, counter. Raises NotUniqueError."""
        credential, public_key, count = made
        row = {
            "account": account, "credential": credential, "public_key": public_key,
            "sign_count": count, "name": name, "since": now, "used_at": now,
        }  # fmt: skip
        return self._tx.insert_for_id("passkey", row)

    def used_passkey(self, passkey: int, count: int, now: int) -> None:
        """A passkey was used, and counted so far."""
        self._tx.update("passkey", {"sign_count": count, "used_at": now}, {"id": passkey})

    def drop_passkey(self, account: int, passkey: int) -> None:
        """One of somebody's passkeys is no more."""
        self._tx.run("DELETE FROM passkey WHERE account = ? AND id = ?", account, passkey)
        self._tidy(account)

    def drop_all(self, account: int) -> None:
        """Nothing besides the password is left."""
        for table in ("authenticator_app", "recovery_code", "passkey"):
            self._tx.run(f"DELETE FROM {table} WHERE account = ?", account)  # noqa: S608 - ours

    def _tidy(self, account: int) -> None:
        if not self.has_any(account):
            self.drop_all(account)


class SignInSteps:
    """How far somebody is with signing in, when they showed last that it is them, and where they
    were before.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def begin(self, step: Step, too_old: int) -> None:
        """A password was right. Those that began before `too_old` are over."""
        self._tx.run("DELETE FROM sign_in_step WHERE started_at < ?", too_old)
        self._tx.insert("sign_in_step", vars(step))

    def get(self, id_hash: str) -> Step | None:
        """Who is on the way in, by the hash of what their browser has."""
        row = self._tx.one("SELECT * FROM sign_in_step WHERE id_hash = ?", id_hash)
        return Step(**row) if row else None

    def end(self, id_hash: str) -> None:
        """Somebody is in, or gave up."""
        self._tx.run("DELETE FROM sign_in_step WHERE id_hash = ?", id_hash)

    def end_all(self, account: int) -> None:
        """Nobody is on the way in with an account any more."""
        self._tx.run("DELETE FROM sign_in_step WHERE account = ?", account)

    def checked_at(self, id_hash: str) -> int:
        """When somebody showed again in a session that it is them; 0: not since they came."""
        row = self._tx.one("SELECT checked_at FROM session_check WHERE id_hash = ?", id_hash)
        return int(row["checked_at"]) if row else 0

    def checked(self, id_hash: str, now: int) -> None:
        """Somebody showed again in a session that it is them."""
        self._tx.put("session_check", {"id_hash": id_hash, "checked_at": now}, ("id_hash",))

    def browser(self, secret: str, account: int) -> KnownBrowser | None:
        """A browser in which somebody signed in before, by what it carries."""
        sql = "SELECT * FROM known_browser WHERE id_hash = ? AND account = ?"
        row = self._tx.one(sql, hashed(secret), account)
        return KnownBrowser(**row) if row else None

    def is_known(self, secret: str) -> bool:
        """Whether a browser carries what we once gave to one, for whatever account."""
        sql = "SELECT id_hash FROM known_browser WHERE id_hash = ?"
        return bool(secret) and self._tx.one(sql, hashed(secret)) is not None

    def put_browser(self, browser: KnownBrowser, too_old: int = 0) -> None:
        """A browser as it stands now. Those that were not seen since `too_old` are forgotten."""
        self._tx.run("DELETE FROM known_browser WHERE seen_at < ?", too_old)
        self._tx.put("known_browser", vars(browser), ("id_hash", "account"))

    def forget_browsers(self, account: int) -> None:
        """No browser counts as known for an account."""
        self._tx.run("DELETE FROM known_browser WHERE account = ?", account)

    def came_back(self) -> None:
        """The database was restored: what it cannot know to be good still is void. Codes and links
        may have been used since, and who was signed in may have been signed out.
        """
        for table in USED_OR_ENDED:
            self._tx.run(f"DELETE FROM {table}")  # noqa: S608 - ours
        self._tx.run("UPDATE account SET invited_hash = NULL, invited_until = NULL")
