"""Auditing, against bare Ed25519 verification and hashing of as many entries in the same run.

The bare run does in two processes what no auditor can do without: one signature and one commitment
an entry, and the tree. `verify` adds reading the case, its JSON, whose key held when, and every
tile. `open` adds every rule and every decision made again, in one process.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import nacl.bindings

from audit.case.case import Case
from audit.rules.open import open_case
from audit.rules.signed import check_signatures
from audit.verify.verify import verify_case
from bench.results import Figure, record
from protocol.dsse import pae, parse_envelope, payload_type
from protocol.log.merkle import leaf_hash, root
from protocol.signing import public_key
from tests.unit.audit_log import ANNE, BERT, HUB, AuditLog, Entry, council, make_charter

ENTRIES = 100_000
PROCESSES = 2
SEALED_LEAF = 34
PARTIES = (ANNE, BERT)
Result = TypeVar("Result")
Item = tuple[bytes, bytes, bytes]
"""Key, signature with what was signed, and what the leaf commits to."""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of all processors together."""

    seconds: float
    processor: float

    def __add__(self, other: "Cost") -> "Cost":
        """One after the other."""
        return Cost(self.seconds + other.seconds, self.processor + other.processor)


_shared: list[list[Item]] = []


def main() -> None:
    """Measure."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    log = busy_log(entries)
    items = [bare_item(entry) for entry in log.entries if len(entry.leaf) == SEALED_LEAF]
    with tempfile.TemporaryDirectory() as folder:
        case = Case(log.write(Path(folder) / "case"))
        leaves = [entry.leaf for entry in log.entries]
        log.entries.clear()
        bare, _ = timed(lambda: bare_run(items, leaves))
        _shared.clear()
        checking, verified = timed(lambda: verify_case(case))
        signing, signed = timed(lambda: check_signatures(case, verified, PROCESSES))
        opening, opened = timed(lambda: open_case(case, verified, PROCESSES))
    if verified.findings or signed.findings or opened.findings or signed.signed != entries:
        raise SystemExit("an honest case was not found clean")
    print(f"{entries} entries, {PROCESSES} processes")
    line("bare Ed25519, hashes and tree", bare, bare, entries)
    line("verify, signatures included", checking + signing, bare, entries)
    line("verify and open", checking + opening, bare, entries)
    print(f"decisions made again: {opened.checked['decisions_made_again']}")
    ours, name = (checking + signing).seconds, f"audit_{entries // 1000}k"
    record(Figure(name, ours, bare.seconds, "s", 1.2, "max"))


def line(name: str, cost: Cost, bare: Cost, entries: int) -> None:
    """One row of the table. On a busy machine the processor's time is the steadier figure."""
    clock, processor = cost.seconds / bare.seconds, cost.processor / bare.processor
    rate = entries / cost.seconds
    print(f"{name:32s} {rate:8.0f} entries/s {clock:6.2f}x clock {processor:6.2f}x processor")


def timed(work: Callable[[], Result]) -> tuple[Cost, Result]:
    """What it cost, processes that it started included, and the result."""
    began, before = time.perf_counter(), os.times()
    result = work()
    after = os.times()
    processors = sum(after[:4]) - sum(before[:4])
    return Cost(time.perf_counter() - began, processors), result


def busy_log(size: int) -> AuditLog:
    """A log in which one request after another goes all the way from asking to the receipt."""
    template = make_charter()
    many = template.quotas.model_copy(update={"requests_per_day": 10**9})
    log = council(make_charter(quotas=many.model_dump()))
    while len(log.entries) + 5 <= size:
        decision = log.holder_decides(log.hub_decides(log.ask(f"{len(log.entries):032x}")))
        log.receipt(log.release(decision))
    log.pad(size - len(log.entries))
    return log


def bare_item(entry: Entry) -> Item:
    """What one sealed entry costs at the least."""
    envelope = parse_envelope(entry.envelope)
    message = pae(payload_type(envelope.kind), envelope.payload)
    sender = bytes.fromhex(json.loads(envelope.payload)["sender"])
    (key,) = {public_key(party.seed) for party in PARTIES if bytes.fromhex(party.id) == sender} or {
        public_key(HUB.seed)
    }
    return key, envelope.signature + message, entry.salt + entry.envelope


def bare_run(items: list[Item], leaves: list[bytes]) -> None:
    """Verify and hash it all in two processes; the tree in this one."""
    _shared[:] = [items[part::PROCESSES] for part in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, get_context("fork")) as pool:
        running = [pool.submit(bare_part, part) for part in range(PROCESSES)]
        root([leaf_hash(leaf) for leaf in leaves])
        for part in running:
            part.result()


def bare_part(part: int) -> None:
    """One process's share."""
    for key, signed, committed in _shared[part]:
        nacl.bindings.crypto_sign_open(signed, key)
        hashlib.sha256(committed).digest()


if __name__ == "__main__":
    main()
