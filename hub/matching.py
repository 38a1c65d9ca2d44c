"""Matching rounds: equal tokens in, links and notices out (specs/04-matching.md §7).

A round looks only at stubs that changed and at those that share a token with them. The hub learns
which stubs are (perhaps) one person, never who; it logs one salted leaf a round whatever happened,
and tells each side only what `decide_show` allows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hub.ledger import Ledger
from hub.linkstore import LinkTables, Stub
from hub.store import HubTables, Post
from protocol import canonical
from protocol.decide import Shown, decide_show, in_force
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import Outcome, PairScore, evidence_order, score_pair
from protocol.merkle import leaf_hash, root
from protocol.messages import (
    LinkEvidence,
    LinkItem,
    LinkNotice,
    MatchRoundBody,
    NoticeBody,
    ShownInvolvement,
)
from storage.tables import Row

ROUND_LIMIT = 2000
NOTICE_BYTES = 9_000  # with preamble and base64 within 16 KiB
ITEMS_A_PART = 1000

Tokens = Mapping[str, list[bytes]]


@dataclass(frozen=True)
class Change:
    """A link's new row and whether the auditor must be told of it (its state changed)."""

    row: dict[str, object]
    state_changed: bool
    stubs: tuple[Stub, Stub]


def item_leaf(item: LinkItem) -> bytes:
    """The bytes of one item under a round's Merkle root."""
    return canonical.encode(item.model_dump(mode="json"))


class Matcher:
    """Runs rounds. Holds no state of its own beside the tables."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def run(self, tables: HubTables) -> int:
        """One round; the number of links whose state changed."""
        now = self._ledger.surroundings.clock()
        links = LinkTables(tables)
        pairs: dict[tuple[str, str], None] = {}
        for stub_id in links.take_marked(now, ROUND_LIMIT):
            for other in self._candidates(links, stub_id):
                pairs[min(stub_id, other), max(stub_id, other)] = None
        changes = [
            change for a, b in pairs if (change := self._judge(links, a, b, now)) is not None
        ]
        self._write(tables, links, changes)
        return sum(change.state_changed for change in changes)

    def _candidates(self, links: LinkTables, stub_id: str) -> set[str]:
        stub = links.stub(stub_id)
        found = {
            row["stub_b"] if row["stub_a"] == stub_id else row["stub_a"]
            for row in links.links_of(stub_id)
        }
        if stub is None or stub.retired:
            return found
        limit = self._ledger.charter.policy.stop_token_records
        for key, values in links.tokens(stub_id).items():
            for token in values:
                holders = links.stubs_with(token, key, limit + 1)
                if len(holders) <= limit:
                    found |= {row["stub_id"] for row in holders if row["agency"] != stub.agency}
        return found

    def _judge(self, links: LinkTables, a: str, b: str, now: int) -> Change | None:
        stubs = (links.stub(a), links.stub(b))
        first, second = stubs
        if first is None or second is None:
            return None
        old = next((row for row in links.links_of(a) if row["stub_b"] == b), None)
        tokens = (links.tokens(a), links.tokens(b))
        policy = self._ledger.charter.policy
        score = score_pair(policy, *tokens)
        state = _state(first, second, score, now)
        if old is None and state == "ended":
            return None
        row = {
            "link_id": old["link_id"] if old else self._ledger.surroundings.new_id(),
            "stub_a": a,
            "stub_b": b,
            "agency_a": first.agency,
            "agency_b": second.agency,
            "state": state,
            "notice_a": self._notice(state, first, second, _evidence(policy, score, *tokens), now),
            "notice_b": self._notice(
                state, second, first, _evidence(policy, score, *reversed(tokens)), now
            ),
        }
        changed = old is None or old["state"] != state
        same = old is not None and all(old[name] == row[name] for name in ("notice_a", "notice_b"))
        return None if same and not changed else Change(row, changed, (first, second))

    def _notice(
        self, state: str, viewer: Stub, other: Stub, evidence: tuple[str, int] | None, now: int
    ) -> str | None:
        """What this side is to know of the link, as JSON, or None for nothing."""
        member = self._ledger.directory.active(viewer.agency)
        if member is None or state == "ended":
            return None
        charter = self._ledger.charter
        shown = {
            item: decide_show(charter, member.body.member_class, item, state, now)
            for item in other.involvements
        }
        if not any(value is not Shown.NOTHING for value in shown.values()):
            return None
        seen = [item for item, value in shown.items() if value is Shown.INVOLVEMENT]
        return json.dumps(
            {
                "agency_id": other.agency if seen else None,
                "involvements": [
                    ShownInvolvement(id=item.id, type=item.type, label=item.label).model_dump()
                    for item in seen
                ],
                "evidence": evidence if seen else None,
            }
        )

    def _write(self, tables: HubTables, links: LinkTables, changes: list[Change]) -> None:
        # Sorted by link id: the order of discovery would tell which stub was published last.
        changes.sort(key=lambda change: str(change.row["link_id"]))
        items = [self._item(change) for change in changes if change.state_changed]
        leaves = [item_leaf(item) for item in items]
        body = MatchRoundBody(
            round=tables.count_entries(self._ledger.charter.charter_id, "match_round", 0) + 1,
            items_root=root([leaf_hash(leaf) for leaf in leaves]).hex(),
            count=len(items),
        )
        statement, _ = self._ledger.issue(
            tables, body, self._ledger.charter.charter_id, evidence=_parts(leaves)
        )
        notices: dict[str, list[LinkNotice]] = {}
        for change in changes:
            old = links.link(str(change.row["link_id"]))
            round_id = statement.id if change.state_changed or old is None else old["round_id"]
            for side in ("a", "b"):
                self._tell(notices, old, change.row, side)
            links.put_link({**change.row, "round_id": round_id})
        for agency in sorted(notices):
            self._post(tables, agency, statement.id, notices[agency])

    def _item(self, change: Change) -> LinkItem:
        first, second = change.stubs
        return LinkItem(
            salt=self._ledger.surroundings.random(32).hex(),
            link_id=str(change.row["link_id"]),
            state=change.row["state"],  # type: ignore[arg-type]
            stub_a=first.stub_id,
            agency_a=first.agency,
            publication_a=first.publication,
            stub_b=second.stub_id,
            agency_b=second.agency,
            publication_b=second.publication,
        )

    def _tell(
        self,
        notices: dict[str, list[LinkNotice]],
        old: Row | None,
        row: dict[str, object],
        side: str,
    ) -> None:
        before = old[f"notice_{side}"] if old else None
        after = row[f"notice_{side}"]
        if before == after:
            return
        told = json.loads(str(after)) if after is not None else None
        evidence = told and told["evidence"]
        epoch = self._ledger.charter.token_key.epoch
        notices.setdefault(str(row[f"agency_{side}"]), []).append(
            LinkNotice(
                link_id=str(row["link_id"]),
                state=row["state"] if told else "ended",  # type: ignore[arg-type]
                stub_id=str(row[f"stub_{side}"]),
                agency_id=told["agency_id"] if told else None,
                involvements=[ShownInvolvement(**item) for item in told["involvements"]]
                if told
                else [],
                evidence=LinkEvidence(match_key_id=evidence[0], epoch=epoch, ordinal=evidence[1])
                if evidence
                else None,
            )
        )

    def _post(
        self, tables: HubTables, agency: str, round_id: str, notices: list[LinkNotice]
    ) -> None:
        for batch in _batches(notices):
            statement = self._ledger.sign(NoticeBody(round=round_id, links=batch), agency)
            tables.post([Post(agency, statement.envelope.encode())])


def _batches(notices: list[LinkNotice]) -> Iterator[list[LinkNotice]]:
    """Notices in batches whose statement stays within an envelope's limit."""
    batch: list[LinkNotice] = []
    size = 0
    for notice in notices:
        length = len(canonical.encode(notice.model_dump(mode="json")))
        if batch and size + length > NOTICE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(notice)
        size += length
    if batch:
        yield batch


def _state(first: Stub, second: Stub, score: PairScore, now: int) -> str:
    alive = all(
        not stub.retired and any(in_force(item, now) for item in stub.involvements)
        for stub in (first, second)
    )
    if not alive or score.outcome is Outcome.NONE:
        return "ended"
    return score.outcome.value


def _evidence(
    policy: MatchPolicy, score: PairScore, own: Tokens, other: Tokens
) -> tuple[str, int] | None:
    """An agreeing key, without place where possible, and the token's place in this side's list."""
    for key in evidence_order(policy, score.agree):
        for ordinal, token in enumerate(own[key]):
            if token in other[key]:
                return key, ordinal
    return None


def _parts(leaves: Iterable[bytes]) -> list[bytes]:
    """The items as evidence: newline-separated canonical JSON, at most ITEMS_A_PART a part."""
    lines = list(leaves)
    return [
        b"\n".join(lines[start : start + ITEMS_A_PART])
        for start in range(0, len(lines), ITEMS_A_PART)
    ]
