"""patchwork-keys set-up: from an empty folder to a key holder that serves, by questions.

Each step looks at what is there and does what is missing. Files go one each way: to-council.json
holds all that this key holder has said so far, and what comes is the council's to-all.json.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from keys.holder.config import begin_settings, load_settings
from keys.holder.folder import combine, deal_anew, make_holder, read_identity, read_terms
from protocol.errors import ErrorCode, LocalError, PatchworkError
from protocol.fields import from_base64, to_base64
from protocol.governance.bundles import (
    BUNDLE_LIMIT,
    CouncilBundle,
    HolderBundle,
    encode_bundle,
    read_council,
)
from protocol.governance.ceremony import (
    CEREMONY_LIMIT,
    CeremonyTerms,
    HolderRecord,
    SignedTranscript,
)
from protocol.wire import encode_wire, parse_wire
from runtime.files import put_file
from runtime.interview.answers import (
    COUNCIL_FILE,
    NOT_AGREED,
    SERVE,
    TRIAL,
    Question,
    address,
    arrived,
    nothing_at,
    number,
    shown,
    yes_or_no,
)
from runtime.interview.cli import Interview, Waiting

HOLDER_PORT = 8450
OWN_QUESTIONS = {
    "name": Question("What is this key holder called (as County archive keys)"),
    "control_domain": Question("Which organisation runs it"),
    "url": Question("Under which address do others reach it (as https://keys.example)", address),
    "trial": TRIAL,
}
QUESTIONS = {
    **OWN_QUESTIONS,
    "port": Question("On which port does it listen on this machine", number(1, 65_535)),
    "own_right": Question("Is that right", yes_or_no),
    "council_file": COUNCIL_FILE,
    "terms_right": Question("Do you hold a share of their key (yes or no)", yes_or_no),
    "genesis_right": Question("Is it the same (yes or no)", yes_or_no),
    "serve": SERVE,
}

Result = TypeVar("Result")


class HolderSetUp:
    """The steps; each is passed over where it has been taken."""

    def __init__(self, folder: Path, interview: Interview) -> None:
        self._folder = folder
        self._ask = interview

    def run(self) -> bool:
        """From wherever this folder stands to settings to serve with; whether to serve now."""
        record = self._made()
        if not load_settings(self._folder).genesis:
            self._hand_in(record)
            terms = self._agreed(record)
            if not self._has("deal.json"):
                deal_anew(self._folder, terms)
            self._hand_in(record)
            if not self._has("transcript.json"):
                self._combined(terms)
            self._hand_in(record)
            self._told(terms)
        return self._ask.yes("serve")

    def _made(self) -> HolderRecord:
        if self._has("public.json"):
            return read_identity(self._folder).record
        ask = self._ask
        ask.say("Questions about this key holder. Enter takes what stands in brackets.", "")
        while True:
            own = ask.text("name"), ask.text("control_domain"), ask.address("url")
            ask.port(own[2], HOLDER_PORT)
            said = f"{own[0]}, run by {own[1]}, at {own[2]}."
            if ask.right("own_right", tuple(OWN_QUESTIONS), [said]):
                return make_holder(self._folder, *own)

    def _agreed(self, record: HolderRecord) -> CeremonyTerms:
        """The terms of the ceremony that names us, once a person has agreed to them."""
        path = self._folder / "terms.json"
        if path.exists():
            return read_terms(path)
        bundle = self._from_council(
            "Once all have handed in, it lists them.",
            lambda found: _naming_us(found, record),
        )
        terms = bundle.terms
        lines = [
            f"{bundle.control_domain} founds {bundle.name} with these key holders,",
            f"of whom any {terms.threshold} together can make tokens:",
            *(f"  {one.name} ({one.control_domain}), {one.url}" for one in terms.holders),
        ]
        if not self._ask.right("terms_right", (), lines):
            raise LocalError(ErrorCode.NOT_READY, NOT_AGREED)
        put_file(path, encode_wire(terms))
        return terms

    def _combined(self, terms: CeremonyTerms) -> None:
        def dealt(found: CouncilBundle) -> list[bytes] | str:
            if found.terms != terms:
                return _OTHER_TERMS
            return [from_base64(one) for one in found.deals] or "it holds no deals yet"

        deals = self._from_council("The next one has what each of you dealt.", dealt)
        combine(self._folder, terms, deals)

    def _told(self, terms: CeremonyTerms) -> None:
        """The genesis fingerprint, compared, and with it the settings."""

        def founded(found: CouncilBundle) -> CouncilBundle | str:
            if found.charter_id != terms.charter_id:
                return _ANOTHER
            return found if found.genesis else "the council is not founded yet"

        bundle = self._from_council("The last one says that the council is founded.", founded)
        lines = [
            f"{bundle.name} is founded. Its genesis fingerprint is",
            f"  {bundle.genesis}",
            "Compare it with what the council has published, or have it read out to you.",
        ]
        if not self._ask.right("genesis_right", (), lines):
            raise LocalError(ErrorCode.NOT_READY, ANOTHER_GENESIS)
        self._ask.check_plain(bundle.url)
        url = read_identity(self._folder).record.url
        port = self._ask.port(url, HOLDER_PORT)
        begin_settings(self._folder, bundle.url, port, str(bundle.genesis))

    def _hand_in(self, record: HolderRecord) -> None:
        """Write to-council.json with all that there is so far."""
        path = self._folder / "terms.json"
        terms = read_terms(path) if path.exists() else None
        deal, signed = self._read("deal.json"), self._read("transcript.json")
        bundle = HolderBundle(
            holder=record,
            charter_id=terms.charter_id if terms else None,
            deal=to_base64(deal) if deal and terms else None,
            transcript=parse_wire(SignedTranscript, signed, limit=CEREMONY_LIMIT)
            if signed and terms
            else None,
        )
        put_file(self._folder / "to-council.json", encode_bundle(bundle))

    def _from_council(self, what: str, look: Callable[[CouncilBundle], Result | str]) -> Result:
        """What the council's file says, once it is the one that is wanted."""
        inbox = self._folder / "in"
        inbox.mkdir(mode=0o700, exist_ok=True)
        ask = self._ask
        own = shown(self._folder / "to-council.json")
        ask.say("", f"Hand {own} to the council, which hands out to-all.json. {what}")
        where = ask.text("council_file", shown(inbox), anew=True)

        def arrives() -> Result | Waiting:
            faults = []
            for name, data in arrived(where, BUNDLE_LIMIT).items():
                try:
                    found = look(read_council(data))
                except PatchworkError as error:
                    found = error.detail
                if not isinstance(found, str):
                    return found
                faults.append(f"{name}: {found}.")
            return Waiting("\n".join(faults) or nothing_at(where))

        return ask.until(arrives)

    def _has(self, name: str) -> bool:
        return (self._folder / name).exists()

    def _read(self, name: str) -> bytes | None:
        return (self._folder / name).read_bytes() if self._has(name) else None


ANOTHER_GENESIS = (
    "do not serve: another fingerprint means that somebody may be in between; call the council by "
    "a number that you knew before"
)
_ANOTHER = "this is another council's"
_OTHER_TERMS = (
    "this is another council's, or on other terms than you agreed to; if the council has begun "
    "anew, take terms.json and deal.json away and run this again"
)


def _naming_us(found: CouncilBundle, record: HolderRecord) -> CouncilBundle | str:
    ours = [one for one in found.terms.holders if one.holder_id == record.holder_id]
    if not ours:
        return "it does not name this key holder: hand in to-council.json first"
    if ours != [record]:
        return "it names this key holder with other keys: call the council before you go on"
    return found
