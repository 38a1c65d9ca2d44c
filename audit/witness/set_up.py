"""patchwork-audit witness set-up: from an empty folder to a witness that serves, by questions."""

import secrets
from pathlib import Path

from audit.witness.config import SETTINGS, begin_settings
from audit.witness.store import WitnessStore, has_witness, make_witness
from protocol.errors import ErrorCode, LocalError, PatchworkError
from protocol.governance.bundles import (
    BUNDLE_LIMIT,
    CouncilBundle,
    WitnessBundle,
    WitnessRecord,
    encode_bundle,
    read_council,
)
from protocol.log.note import is_key_name, parse_vkey
from protocol.signing import SEED_BYTES, SecretSeed
from runtime.files import put_file
from runtime.interview.answers import (
    COUNCIL_FILE,
    NOT_AGREED,
    SERVE,
    TRIAL,
    Question,
    address_or_none,
    arrived,
    nothing_at,
    number,
    shown,
    yes_or_no,
)
from runtime.interview.cli import Interview, Waiting

WITNESS_PORT = 8090


def witness_name(text: str) -> str:
    """A name for cosignatures. Raises ValueError."""
    if not is_key_name(text.strip()) or not text.isascii():
        raise ValueError("write a name without spaces or plus signs, as w1.example")
    return text.strip()


OWN_QUESTIONS = {
    "name": Question("What is this witness called in signatures (as w1.example)", witness_name),
    "control_domain": Question("Which organisation runs it"),
    "url": Question(
        "Under which address does the hub reach it (as https://w1.example; Enter: it does not, the "
        "witness asks the hub)",
        address_or_none,
        "",
    ),
    "trial": TRIAL,
}
QUESTIONS = {
    **OWN_QUESTIONS,
    "port": Question("On which port does it listen on this machine", number(1, 65_535)),
    "own_right": Question("Is that right", yes_or_no),
    "council_file": COUNCIL_FILE,
    "log_right": Question("Do you witness it (yes or no)", yes_or_no),
    "serve": SERVE,
}


class WitnessSetUp:
    """The steps; each is passed over where it has been taken."""

    def __init__(self, folder: Path, interview: Interview) -> None:
        self._folder = folder
        self._ask = interview

    def run(self) -> bool:
        """From wherever this folder stands to a log that is witnessed; whether to serve now."""
        record = self._made()
        if not (self._folder / SETTINGS).exists():
            bundle = self._from_council(record)
            self._ask.check_plain(bundle.url)
            self._witness(record, bundle)
            port = self._ask.port(record.url, WITNESS_PORT) if record.url else None
            begin_settings(self._folder, port, bundle.url)
        return self._ask.yes("serve")

    def _made(self) -> WitnessRecord:
        """Our record, with a key behind it, ready to be handed in."""
        ask = self._ask
        if not has_witness(self._folder):
            ask.say("Questions about this witness. Enter takes what stands in brackets.", "")
        while True:
            name, domain, url = ask.text("name"), ask.text("control_domain"), ask.address("url")
            if url:
                ask.port(url, WITNESS_PORT)
            where = f"at {url}" if url else "behind a firewall: it asks the hub"
            if ask.right("own_right", tuple(OWN_QUESTIONS), [f"{name}, run by {domain}, {where}."]):
                break
        if not has_witness(self._folder):
            make_witness(self._folder, name, SecretSeed(secrets.token_bytes(SEED_BYTES)))
        vkey = _opened_key(self._folder)
        record = WitnessRecord(vkey=vkey, control_domain=domain, url=url or None)
        bundle = WitnessBundle(witness=record)
        put_file(self._folder / "to-council.json", encode_bundle(bundle))
        return record

    def _from_council(self, record: WitnessRecord) -> CouncilBundle:
        """The council's file, once it names this witness."""
        inbox = self._folder / "in"
        inbox.mkdir(mode=0o700, exist_ok=True)
        self._ask.say(
            "",
            f"Hand {shown(self._folder / 'to-council.json')} to the council, which hands out "
            "to-all.json.",
        )
        where = self._ask.text("council_file", shown(inbox), anew=True)

        def arrives() -> CouncilBundle | Waiting:
            faults = []
            for name, data in arrived(where, BUNDLE_LIMIT).items():
                try:
                    bundle = read_council(data)
                    if record in bundle.witnesses:
                        return bundle
                    said = "it does not name this witness as it is: hand in to-council.json first"
                except PatchworkError as error:
                    said = error.detail
                faults.append(f"{name}: {said}.")
            return Waiting("\n".join(faults) or nothing_at(where))

        return self._ask.until(arrives)

    def _witness(self, record: WitnessRecord, bundle: CouncilBundle) -> None:
        """Take on the log, and the other witnesses as peers. Raises LocalError."""
        key = parse_vkey(bundle.log)
        lines = [f"{bundle.control_domain} founds {bundle.name}, whose log is {key.name}."]
        if not self._ask.right("log_right", (), lines):
            raise LocalError(ErrorCode.NOT_READY, NOT_AGREED)
        store = WitnessStore(self._folder)
        try:
            store.add_log(key)
            for other in bundle.witnesses:
                if other != record and other.url:
                    store.add_peer(parse_vkey(other.vkey), other.url)
        finally:
            store.close()


def _opened_key(folder: Path) -> str:
    store = WitnessStore(folder)
    try:
        return store.key.text
    finally:
        store.close()
