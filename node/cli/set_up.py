"""patchwork-node set-up: from an invitation to the first publication, by questions, and serving.

Each step is passed over where it has been taken; the single commands (init, join, import, publish,
serve) do the same by hand. Exit codes: see node/cli/main.py; 3: not finished, run it again.
"""

import asyncio
from pathlib import Path

import typer

from node.actions import importing, membership
from node.cli.importing import import_file
from node.cli.membership import lead_in
from node.cli.options import Folder
from node.cli.records import publish
from node.cli.serving import serve
from protocol.contact import require_hours, require_phone
from protocol.counted import counted
from protocol.wire import read_invitation
from runtime.folders import NODE
from runtime.interview.answers import (
    SERVE,
    TRIAL,
    Question,
    invitation,
    invitation_text,
    number,
    shown,
    yes_or_no,
)
from runtime.interview.cli import AnswersFile, Interview, NoWait, leading

app = typer.Typer()


def file_or_none(text: str) -> str:
    """A file that is there, or nothing. Raises ValueError."""
    if not text.strip():
        return ""
    path = Path(text.strip()).expanduser().absolute()
    if not path.is_file():
        raise ValueError(f"there is no file {shown(path)}")
    return str(path)


AGENCY_QUESTIONS = {
    "name": Question("What is your agency called, as others will see it"),
    "member_class": Question("What kind of organisation is it (a number)", str),
    "duty_line": Question("Telephone of your duty line", require_phone),
    "duty_hours": Question("When does it answer", require_hours),
    "clients": Question("How many clients do you have, about", number(1, 10_000_000)),
}
QUESTIONS = {
    "invitation": Question("The council's invitation (its file, or paste it)", invitation),
    "trial": TRIAL,
    **AGENCY_QUESTIONS,
    "own_right": Question("Is that right", yes_or_no),
    "accept_charter": Question("Sign this sharing agreement for your agency", yes_or_no),
    "clients_file": Question(
        "A file with your clients, CSV or .xlsx (Enter: none now)", file_or_none, ""
    ),
    "mapping": Question(
        "Your mapping of its columns (Enter: make a draft to fill in)", file_or_none, ""
    ),
    "import_doubtful": Question("Import it although something speaks against it", yes_or_no, "no"),
    "publish": Question("Publish now those who may be published", yes_or_no, "yes"),
    "serve": SERVE,
}
FILLED_IN = Question("Fill it in, then press Enter", str, "")


@app.command()
def set_up(answers: AnswersFile = None, no_wait: NoWait = False, folder: Folder = Path()) -> None:
    """Lead an agency from an invitation to its first publication, and serve. Run again, it goes
    on.
    """
    with leading(folder, NODE, QUESTIONS, answers, wait=not no_wait) as interview:
        serving = NodeSetUp(folder, interview).run()
    if serving:
        serve(folder)


class NodeSetUp:
    """The steps; each is passed over where it has been taken."""

    def __init__(self, folder: Path, interview: Interview) -> None:
        self._folder = folder
        self._ask = interview

    def run(self) -> bool:
        """From wherever this folder stands to a first publication; whether to serve now."""
        ask = self._ask
        if not (self._folder / "node.toml").exists():
            self._made()
        if not asyncio.run(membership.signed_at(self._folder)):
            self._joined()
        if ask.answers.get("brought") is None:
            self._brought()
            ask.answers.keep("brought", True)
        if ask.answers.get("published") is None and ask.yes("publish"):
            publish(folder=self._folder)
            ask.answers.keep("published", True)
        ask.say(
            "",
            f"Ready. While it serves: patchwork-node team CLIENT --dir {self._folder}, and "
            "patchwork-node people add for those who act here.",
        )
        return ask.yes("serve")

    def _made(self) -> None:
        """The agency, in its own words, to a folder with settings."""
        ask = self._ask
        text = self._invitation()
        ask.check_plain(read_invitation(text).hub)
        trial = ask.answers.get("trial") is True
        charter = asyncio.run(membership.agreement_offered(text, trial=trial))
        ask.say("", f"{charter.hub.control_domain} invites you to {charter.hub.name}.", "")
        titles = {item.code: item.title for item in charter.classes if item.code != "auditor"}
        while True:
            agency = membership.Agency(
                name=ask.text("name"),
                member_class=ask.choice("member_class", titles),
                duty_line=ask.text("duty_line"),
                duty_hours=ask.text("duty_hours"),
                clients=ask.number("clients"),
            )
            said = (
                f"{agency.name} ({titles[agency.member_class]}), about "
                f"{counted(agency.clients, 'client')}; duty line {agency.duty_line}, "
                f"{agency.duty_hours}."
            )
            if ask.right("own_right", tuple(AGENCY_QUESTIONS), [said]):
                break
        membership.set_up(self._folder, agency, trial=trial)

    def _joined(self) -> None:
        """Apply, have the words compared, read and sign the agreement."""
        begun = asyncio.run(membership.begun(self._folder))
        to = begun[0] if begun else self._invitation()
        asyncio.run(lead_in(self._folder, to, self._signs))

    def _signs(self) -> bool:
        return self._ask.yes("accept_charter")

    def _brought(self) -> None:
        """Import the agency's file, if there is one, by a mapping that a person has filled in."""
        ask = self._ask
        while file := ask.text("clients_file"):
            beside = importing.draft_beside(Path(file))
            mapping = ask.text("mapping", str(beside) if beside.exists() else None)
            if not mapping:
                mapping = self._filled_in(Path(file))
            try:
                import_file(
                    Path(file), Path(mapping), yes=ask.is_given("import_doubtful")
                    and ask.yes("import_doubtful"), folder=self._folder,
                )  # fmt: skip
            except typer.Exit:
                if ask.is_given("clients_file"):
                    raise
                ask.say("Nothing was stored. Correct it, and give the files once more.")
                ask.again("clients_file", "mapping")
                continue
            return

    def _filled_in(self, file: Path) -> str:
        """A draft mapping beside the agency's file, once somebody has filled it in."""
        draft = importing.draft_beside(file)
        if not draft.exists():
            allowed = asyncio.run(importing.allowed_codes(self._folder))
            importing.mapping_for(file, None, allowed)
        self._ask.say(f"A draft mapping is in {shown(draft)}.")
        self._ask.once(FILLED_IN)
        return str(draft)

    def _invitation(self) -> str:
        """The invitation's text."""
        return invitation_text(self._ask.text("invitation"))
