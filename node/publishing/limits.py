"""The charter's limits on publications, counted here first: specs/04-matching.md §10.

The node holds back what the hub would refuse, so that honest data passes and nothing is lost: what
is held stays in the agency's own data and goes when there is room. The hub counts again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol import canonical
from protocol.governance.limits import DAY, TOKEN_DAYS, may_change, room_for_new, same_token_terms
from storage.engine import Row

Digests = Mapping[str, list[bytes]]


@dataclass(frozen=True)
class TokenSet:
    """The tokens a stub may publish now, by the digests of their inputs, and their salt.

    `counted` when the hub will count a change of tokens; `held` when newer ones must wait.
    """

    digests: Digests
    salt: str
    counted: bool = False
    held: bool = False


def tokens_hash(digests: Digests) -> str:
    """A name for a set of tokens, to know it again."""
    said: canonical.JsonValue = {
        key: [digest.hex() for digest in items] for key, items in digests.items()
    }
    return hashlib.sha256(canonical.encode(said)).hexdigest()


class Limits:
    """The limits of one hub's charter on this agency, within one transaction."""

    def __init__(self, membership: HubMembership, tables: NodeTables, now: int) -> None:
        self._membership = membership
        self._hub_id = membership.hub.hub_id
        self._tables = tables
        self._now = now

    def room(self) -> int:
        """How many new stubs may still be published today."""
        sql = "SELECT day, count FROM new_stubs WHERE hub_id = ?"
        counts = {row["day"]: row["count"] for row in self._tables.tx.rows(sql, self._hub_id)}
        return room_for_new(self._membership.charter.quotas, counts, self._now // DAY)

    def overshared_tokens(
        self, digests: Iterable[tuple[int, Iterable[bytes]]]
    ) -> dict[int, set[bytes]]:
        """For each client its digests that may not be published: they are in too many stubs.

        Those who have such a token at the hub keep it, if it fits without the others. `digests`
        are the wanted ones of the clients on a page.
        """
        most = self._membership.charter.quotas.stubs_per_token
        wanted: dict[bytes, set[int]] = {}
        for client, items in digests:
            for digest in items:
                wanted.setdefault(digest, set()).add(client)
        overshared_tokens: dict[int, set[bytes]] = {}
        for digest, clients in wanted.items():
            live, former = self._holders(digest)
            if len(clients | live | former) <= most:
                continue
            keep = live if len(live | former) <= most else set()
            for client in clients - keep:
                overshared_tokens.setdefault(client, set()).add(digest)
        return overshared_tokens

    def token_set(self, stub: Row, wanted: Digests) -> TokenSet:
        """What a stub that the hub knows may publish of the wanted tokens."""
        membership, tables, stub_id = self._membership, self._tables, stub["stub_id"]
        last = tables.tx.one(
            "SELECT * FROM stub_tokens WHERE hub_id = ? AND stub_id = ?", self._hub_id, stub_id
        )
        if last is not None and last["tokens_hash"] == tokens_hash(wanted):
            return TokenSet(wanted, last["salt"])
        before = membership.directory.charter_of(last["charter_version"]) if last else None
        counted = same_token_terms(before, membership.charter)
        salt = membership.env.random(32).hex()
        if not counted or may_change(membership.charter.quotas, self._changes(stub_id), self._now):
            return TokenSet(wanted, salt, counted=counted)
        published = tables.published_digests(self._hub_id, stub_id)
        return TokenSet(published, last["salt"] if last else "", held=True)

    def _changes(self, stub_id: str) -> list[int]:
        sql = "SELECT at FROM stub_change WHERE hub_id = ? AND stub_id = ?"
        return [row["at"] for row in self._tables.tx.rows(sql, self._hub_id, stub_id)]

    def _holders(self, digest: bytes) -> tuple[set[int], set[int]]:
        """The clients whose stubs have a token, and those whose stubs had it lately."""
        live = self._tables.tx.rows(_LIVE, self._hub_id, digest)
        former = self._tables.tx.rows(_FORMER, self._hub_id, digest, self._now)
        return {row["client"] for row in live}, {row["client"] for row in former}


_LIVE = (
    "SELECT DISTINCT s.client FROM published_token t JOIN stub s USING (hub_id, stub_id) "
    "WHERE t.hub_id = ? AND t.input_digest = ?"
)
_FORMER = (
    "SELECT DISTINCT s.client FROM former_token t JOIN stub s USING (hub_id, stub_id) "
    "WHERE t.hub_id = ? AND t.input_digest = ? AND t.until > ?"
)


def book(tables: NodeTables, hub_id: str, effect: Mapping[str, object], iat: int) -> None:
    """Count what the hub has applied to one stub. Call before its published tokens are replaced.

    `iat` is when the publication was signed, which is what the hub counts by.
    """
    stub_id = effect["stub_id"]
    tables.tx.run("DELETE FROM former_token WHERE until <= ?", iat)
    tables.tx.run(
        "INSERT OR REPLACE INTO former_token "
        "SELECT hub_id, input_digest, stub_id, ? FROM published_token "
        "WHERE hub_id = ? AND stub_id = ?",
        iat + TOKEN_DAYS * DAY, hub_id, stub_id,
    )  # fmt: skip
    if effect["revision"] == 1:
        tables.tx.run("INSERT OR IGNORE INTO new_stubs VALUES (?, ?, 0)", hub_id, iat // DAY)
        tables.tx.run(
            "UPDATE new_stubs SET count = count + 1 WHERE hub_id = ? AND day = ?",
            hub_id, iat // DAY,
        )  # fmt: skip
    if effect.get("tokens_hash") is None:
        return
    tables.tx.run(
        "INSERT OR REPLACE INTO stub_tokens VALUES (?, ?, ?, ?, ?)",
        hub_id, stub_id, effect["tokens_hash"], effect["salt"], effect["charter_version"],
    )  # fmt: skip
    if effect["counted"]:
        tables.tx.run("INSERT INTO stub_change VALUES (?, ?, ?)", hub_id, stub_id, iat)


def waiting_words(held: Sequence[str]) -> str:
    """What to tell the agency's people of records that a limit holds back."""
    return (
        f"{len(held)} records changed too often in 30 days, or are more new records than one day "
        "may have. They wait here, nothing of them is lost; publish again tomorrow. If you did "
        "not expect this, somebody may be trying out addresses: look who changed them."
    )
