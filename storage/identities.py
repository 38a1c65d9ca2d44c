"""Who people are at their organisation's own sign-in (OpenID Connect), within one transaction."""

from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True, repr=False)
class Identity:
    """Somebody as a provider names them: issuer and subject, and the tenant where it has some."""

    issuer: str
    tenant: str
    subject: str


class Identities:
    """Which account is whose there. Pinned once; nobody is found by a name or a mail address."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def account(self, who: Identity) -> int | None:
        """The account of somebody, by row id."""
        sql = "SELECT account FROM identity WHERE issuer = ? AND tenant = ? AND subject = ?"
        row = self._tx.one(sql, who.issuer, who.tenant, who.subject)
        return int(row["account"]) if row else None

    def of_account(self, account: int) -> Identity | None:
        """Who somebody is there, if they sign in so."""
        sql = "SELECT issuer, tenant, subject FROM identity WHERE account = ?"
        row = self._tx.one(sql, account)
        return Identity(**row) if row else None

    def pin(self, account: int, who: Identity, now: int) -> None:
        """From now on this is their account. Raises NotUniqueError: they have another."""
        self._tx.run("DELETE FROM identity WHERE account = ?", account)
        self._tx.insert("identity", {"account": account, **vars(who), "since": now})

    def unpin(self, account: int) -> None:
        """Nobody comes in with this account from there any more."""
        self._tx.run("DELETE FROM identity WHERE account = ?", account)
