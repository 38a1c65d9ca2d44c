"""What people do wrong, and what they read: one sentence that names the thing and says what to do,
the documented exit code (docs/operate/README.md), no traceback, and nothing made by mistake.

A row is a mistake: its kind, what is typed in a folder with a whole council's folders, what was
written into files before, the exit code and the sentence. {words} stand for what a council has.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split

import pytest
import structlog
import typer
from typer.testing import CliRunner, Result

from audit.cli.main import app as audit
from hub.cli.main import app as hub
from keys.holder.cli import app as keys
from node.cli.main import app as node
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.wire import Invitation, encode_wire
from runtime.cli import asked
from runtime.sentences import sentence_of
from tests.sim.federation import SimFederation
from tests.sim.test_join_again import Line
from tests.sim.test_people_cli import Town, town

__all__ = ["town"]

PROGRAMS = {"hub": hub, "keys": keys, "node": node, "audit": audit}
DESK = "--duty-desk Desk --duty-phone '01632 960000' --duty-hours Always"
THREE = " ".join(f"--transcript {name}/transcript.json" for name in ("k1", "k2", "k3"))
FOUR = "--witness '{w1};A' --witness '{w2};B' --witness '{w3};C' --witness '{w4};D'"
MAPPING = """format = 1
title = "Clients"
[fields.local_id]
column = "id"
[fields.involvement]
fixed = "health_visiting"
"""
CSV = "id,name\n1,x\n"
BEGUN = 'name = "Agency"\nmember_class = "charity"\nclients = 3\n'
WHO = "--as 'H. Visitor'"


@dataclass(frozen=True)
class Mistake:
    """One mistake. `files`: written first, by path; `first`: done first, in the folder."""

    kind: str
    typed: str
    said: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    exit: int = 1
    keyboard: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    first: Callable[[Path], object] = lambda folder: None


def _newer(folder: Path) -> None:
    with sqlite3.connect(folder / "hub" / "hub.sqlite") as made:
        made.execute("PRAGMA user_version = 99")
    made.close()


def _locked(folder: Path) -> None:
    descriptor = os.open(folder / "hub" / "hub.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # until the process ends: the folder is this test's own


def _not_founded(folder: Path) -> None:
    for path in (folder / "hub").glob("hub.sqlite*"):
        path.unlink()


def _mode(name: str, mode: int) -> Callable[[Path], object]:
    return lambda folder: (folder / name).chmod(mode)


FOLDERS = [
    Mistake("folder", typed, said, exit=code)
    for typed, said, code in (
        ("hub members --dir node0", "node0 is a node's folder: say where a hub's folder is", 1),
        ("hub members --dir nowhere", "there is no folder nowhere", 1),
        ("hub members --dir .", "holds no plan.json: say where a hub's folder is", 1),
        ("hub explain --dir k1", "k1 is a key holder's folder", 1),
        ("hub figures --dir w1", "w1 is a witness's folder", 1),
        ("hub asked-for --dir auditor", "auditor is an auditor's folder", 1),
        ("hub status --dir node0", "or run patchwork-hub set-up", 1),
        ("hub erase --dir node0", "node0 is a node's folder", 1),
        ("hub serve --dir node0", "node0 is a node's folder", 1),
        ("hub charter show --dir k1", "k1 is a key holder's folder", 1),
        ("hub backup b.age --to age1x --dir node0", "node0 is a node's folder", 1),
        ("node inbox --dir hub", "hub is a hub's folder: say where a node's folder is", 1),
        ("node serve --dir nowhere", "there is no folder nowhere", 1),
        ("node forget --dry-run --dir hub", "hub is a hub's folder", 1),
        ("keys serve --dir hub", "hub is a hub's folder: say where a key holder's folder is", 1),
        ("keys deal --terms hub/terms.json --dir w1", "or run patchwork-keys set-up", 1),
        ("audit verify hub", "hub is a hub's folder, not a case: run patchwork-audit fetch", 2),
        ("audit open nowhere", "nowhere is not a case folder", 2),
        ("audit witness run hub", "hub is a hub's folder: say where a witness's folder is", 2),
        ("audit witness add-log node0 {w1}", "or run patchwork-audit witness set-up", 2),
        ("audit join node0 {invitation}", "node0 is a node's folder: say where an auditor's", 2),
    )
]
ORDER = [
    Mistake("order", "hub invite --dir hub0", "there is no charter yet: run patchwork-hub found"),
    Mistake("order", "hub serve --dir hub0", "run patchwork-hub found first"),
    Mistake("order", f"hub found --dir hub0 --quorum 3 {THREE} {FOUR} {DESK}",
            "there are no terms yet: run patchwork-hub ceremony"),
    Mistake("order", f"hub found --dir hub --quorum 3 {THREE} {FOUR} {DESK}",
            "this hub is already founded"),
    Mistake("order", "node serve --dir node0", "this node belongs to no hub yet; run join"),
    Mistake("order", "hub init --name H --origin hub.example/l --control-domain C --dir hub0",
            "keys.json is there already, and is never replaced: choose another folder"),
    Mistake("order", "audit witness init w1 --name w1.example",
            "this folder already holds a witness: choose another", exit=2),
    Mistake("order", "hub serve --dir hub",
            "another hub is running from this folder: stop it first", first=_locked),
]  # fmt: skip
SETTINGS = [
    Mistake("settings", typed, said, {name: text}, env=env)
    for typed, name, text, env, said in (
        ("hub invite --dir hub", "hub/hub.toml", "port = 1\nhost = \n", {},
         "hub.toml, line 2, column 8: this is not TOML: invalid value"),
        ("hub invite --dir hub", "hub/hub.toml", "port = 1\nprot = 8440\n", {},
         "hub.toml, line 2: prot: there is no such setting; did you mean port?"),
        ("hub invite --dir hub", "hub/hub.toml", "port = 70000\n", {},
         "hub.toml, line 1: port: write 65535 or less"),
        ("hub invite --dir hub", "hub/hub.toml", 'round_seconds = 9\nport = "many"\n', {},
         "hub.toml, line 2: port: write a whole number"),
        ("hub invite --dir hub", "hub/hub.toml", b"\xff\xfe", {},
         "hub.toml is not text in UTF-8"),
        ("hub invite --dir hub", "hub/hub.toml", '[witness_urls]\nw1.example = "https://w"\n', {},
         "hub.toml, line 2: witness_urls.w1: write text in quotation marks"),
        ("hub invite --dir hub", "hub/hub.toml", "", {"PATCHWORK_HUB_PORT": "abc"},
         "PATCHWORK_HUB_PORT: write a whole number"),
        ("hub invite --dir hub", "hub/hub.toml", "", {"PATCHWORK_HUB_WITNESS_URLS": "w=u"},
         "PATCHWORK_HUB_WITNESS_URLS: write it as JSON"),
        ("node clients list --dir node0", "node0/node.toml", BEGUN + 'answer_rule = "alow"\n', {},
         "node.toml, line 4: answer_rule: write 'ask' or 'allow'"),
        ("node clients list --dir node0", "node0/node.toml", BEGUN + 'time_zone = "Europe/X"\n', {},
         "node.toml, line 4: time_zone: it is no time zone such as Europe/London"),
        ("node clients list --dir node0", "node0/node.toml", BEGUN + 'name = "B"\n', {},
         "node.toml, line 4, column 11: this is not TOML: cannot overwrite a value"),
        ("node clients list --dir node0", "node0/node.toml",
         BEGUN + '[mail]\nhost = "m.example"\nsender = "nobody"\n', {},
         "node.toml, line 6: mail.sender: write an e-mail address alone"),
        ("node clients list --dir node0", "node0/node.toml",
         BEGUN + '[hubs.Wexcombe]\ntypes = { "A b" = "housing" }\n', {},
         "node.toml, line 5: hubs.Wexcombe.types.A b: write a code of small letters"),
        ("keys serve --dir k1", "k1/holder.toml", 'hub_url = "https://h.example"\ngenesis = "a"\n',
         {}, "holder.toml, line 2: genesis: write 64 hex digits"),
        ("keys serve --dir k1", "k1/holder.toml", "", {},
         "holder.toml needs hub_url and genesis"),
    )
]  # fmt: skip
NETWORK = [
    Mistake("network", "hub serve --dir hub",
            "cannot listen on 127.0.0.1 port {taken}: another program listens there; stop it",
            {"hub/hub.toml": "port = {taken}\n"}),
    Mistake("network", "keys serve --dir k1", "port {taken}: another program listens there",
            {"k1/holder.toml": 'hub_url = "https://hub.example"\ngenesis = "{genesis}"\n'
                               "port = {taken}\n"}),
    Mistake("network", "audit witness run w1 --port {taken}",
            "port {taken}: another program listens there", exit=2),
    Mistake("network", "node serve --dir node", "port {taken}: another program listens there",
            {"node/node.toml": BEGUN + "api_port = {taken}\n"}),
    Mistake("network", "hub serve --dir hub", "cannot listen on no.such.host.invalid port 8440: no "
            "computer of that name is known", {"hub/hub.toml": 'host = "no.such.host.invalid"\n'}),
    Mistake("network", "hub invite --dir hub", "hub.toml: public_url, where newcomers find this "
            "hub: http://127.0.0.1:8440: only https addresses are followed"),
    Mistake("network", "hub invite --dir hub",
            "hub.toml: witness_urls.w1: http://w1.example: only https addresses are followed",
            {"hub/hub.toml": '[witness_urls]\nw1 = "http://w1.example/x?secret"\n'}),
    Mistake("network", "hub invite --dir hub",
            "PATCHWORK_HUB_PUBLIC_URL: hub.example: only https addresses are followed",
            env={"PATCHWORK_HUB_PUBLIC_URL": "hub.example"}),
    Mistake("network", "hub invite --dir hub",
            "PATCHWORK_HUB_WITNESS_URLS: http://w1.example: only https addresses are followed",
            env={"PATCHWORK_HUB_WITNESS_URLS": '{"w1": "http://w1.example"}'}),
    Mistake("network", "keys serve --dir k1",
            "PATCHWORK_KEYS_HUB_URL: http://h.example: only https addresses are followed",
            env={"PATCHWORK_KEYS_HUB_URL": "http://h.example"}),
    Mistake("network", "keys serve --dir k1",
            "holder.toml: hub_url: https://10.0.0.1: a private address; set "
            "allow_private_addresses if you mean it",
            {"k1/holder.toml": 'hub_url = "https://10.0.0.1"\nport = {taken}\n'}),
    Mistake("network", "node join --dir node0",
            "the invitation's address: http://127.0.0.1:{closed}: only https addresses",
            keyboard="{invitation}"),
    Mistake("network", "node join --dir node0",
            "127.0.0.1:{closed}: nothing listens there; does it run, and at that port?",
            {"node0/node.toml": BEGUN + "allow_private_addresses = true\n"},
            keyboard="{invitation}"),
    Mistake("network", "node charter show --dir node", "127.0.0.1:{closed}: nothing listens there",
            {"node/node.toml": BEGUN + "allow_private_addresses = true\n"}),
    Mistake("network", "node publish --dir node", "127.0.0.1:{closed}: nothing listens there",
            {"node/node.toml": BEGUN + "allow_private_addresses = true\n"}),
    Mistake("network", "audit fetch http://127.0.0.1:{closed} --out case --genesis {genesis} "
            "--allow-private-addresses", "127.0.0.1:{closed}: nothing listens there", exit=3),
    Mistake("network", "audit fetch hub.example --out case --genesis {genesis}",
            "the hub's address: hub.example: only https addresses are followed", exit=2),
    Mistake("network", "audit fetch https://hub.example --out case --genesis abc",
            "genesis is not 64 hex digits", exit=2),
    Mistake("network", "node join --dir node0", "this is not an invitation; copy all of it",
            keyboard="hello"),
    Mistake("network", "audit join auditor", "this is not an invitation; copy all of it",
            exit=3, keyboard="hello"),
    Mistake("network", "audit join auditor", "this is not an invitation; copy all of it", exit=3),
]  # fmt: skip
FILES = [
    Mistake("file", "node import none.csv --dir node0", "there is no file none.csv"),
    Mistake("file", "node import c.csv --dir node0", "save it as .xlsx without one",
            {"c.csv": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600}),
    Mistake("file", "node import c.csv --dir node0", "the workbook is damaged",
            {"c.csv": b"PK\x03\x04\0\0\0workbook"}),
    Mistake("file", "node import c.csv --dir node0", "the first lines have one column only",
            {"c.csv": "only\n1\n"}),
    Mistake("file", "node import c.csv --mapping m.toml --dir node0", "this mapping is a draft: "
            "check all of it, then delete line 1", {"c.csv": CSV, "m.toml": "draft = true\n"}, 2),
    Mistake("file", "node import c.csv --mapping m.toml --dir node0",
            "the file has no column 'ident', which the mapping has for local_id",
            {"c.csv": CSV, "m.toml": MAPPING.replace('"id"', '"ident"')}),
    Mistake("file", "node import c.csv --mapping m.toml --dir node0",
            "line 7: there is no such field as [fields.famly]: did you mean family?",
            {"c.csv": CSV, "m.toml": MAPPING + '[fields.famly]\ncolumn = "name"\n'}),
    Mistake("file", "node import c.csv --mapping m.toml --dir node0",
            "the mapping, line 7, column 15: this is not TOML",
            {"c.csv": CSV, "m.toml": MAPPING + "[fields.family\n"}),
    Mistake("file", "node import c.csv --mapping m.toml --dir node",
            "not one of the types of the charter: helth_visiting; did you mean health_visiting?",
            {"c.csv": CSV, "m.toml": MAPPING.replace("health_", "helth_")}),
    Mistake("file", "hub ceremony --dir hub0 --holder none.json", "none.json: it is not there"),
    Mistake("file", "hub ceremony --dir hub0 --holder k1/keys.json",
            "k1/keys.json is not a key holder's public.json"),
    Mistake("file", "keys deal --dir k1 --terms k1/public.json",
            "k1/public.json is not the council's terms.json"),
    Mistake("file", "keys combine --dir k1 --terms hub/terms.json --deal k1/public.json",
            "k1/public.json is not a key holder's deal.json"),
    Mistake("file", "keys combine --dir k1 --terms hub/terms.json --deal k1/deal.json",
            "key holder 2 did not deal"),
    Mistake("file", f"hub found --dir hub --quorum 3 --transcript k1/deal.json {FOUR} {DESK}",
            "k1/deal.json is not a key holder's transcript.json"),
    Mistake("file", "node rotate-keys --recovery none.json --dir node",
            "'none.json' does not exist", exit=2),
    Mistake("file", "node restore none.age --identity none.txt --dir new",
            "none.txt: it is not there"),
    Mistake("file", "audit init k1/public.json --name A --control-domain A --duty-line "
            "'01632 960002' --duty-hours Always", "public.json: it is there already", exit=2),
    Mistake("file", "hub policy evaluate nowhere", "truth.csv cannot be used: it is not there"),
    Mistake("file", "audit sample hub --out o --number xyz", "a number has 64 hex digits", exit=2),
    Mistake("file", "hub members --dir hub", "cannot open hub.sqlite: it is no database: keep it",
            {"hub/hub.sqlite": b"x" * 5000}),
    Mistake("file", "hub members --dir hub", "hub.sqlite was written by a newer program",
            first=_newer),
    Mistake("file", "hub serve --dir hub", "others on this machine may look into hub: run chmod",
            first=_mode("hub", 0o755)),
    Mistake("file", "hub serve --dir hub", "keys.json: run chmod 600 on it first",
            first=_mode("hub/keys.json", 0o644)),
    Mistake("file", "hub invite --dir hub0", "plan.json is not a hub's plan",
            {"hub0/plan.json": "{"}),
]  # fmt: skip
CHARTER = [
    Mistake("charter", f"hub charter change {name} --yes --dir hub", said, {name: text})
    for name, text, said in (
        ("c.toml", "retention_day = 30\n",
         "retention_day: there is no such field; did you mean retention_days?"),
        ("c.toml", 'retention_days = "x"\n', "retention_days: write a whole number"),
        ("c.toml", '[duty_desk]\nfone = "01632 960000"\n',
         "duty_desk, fone: there is no such field; did you mean phone?"),
        ("c.toml", '[[involvement_types]]\ncode = "health_visting"\nnotice = "quiet"\n',
         "health_visting is new: did you mean health_visiting?"),
        ("c.toml", '[[involvement_types]]\ncode = "health_visiting"\nopenness = "opn"\n',
         "involvement_types, health_visiting, openness: write 'open', 'always_findable' or"),
        ("c.toml", '[[involvement_types]]\ncode = "health_visiting"\nvisible_to = ["coven"]\n',
         "names coven, which it does not define"),
        ("c.toml", "retention_days = \n", "c.toml, line 1, column 18: this is not TOML"),
        ("c.json", "{,}", "c.json, line 1, column 2: not JSON"),
        ("c.toml", "quorum = 1\n", "of 4 witnesses at least 3 must sign, not 1"),
        ("c.toml", "version = 4\n", "this was written for another charter than version 1"),
        ("c.toml", "", "this changes nothing"),
    )
]  # fmt: skip
OPTIONS = [
    Mistake("option", "hub members --aprove x --dir hub", "No such option: --aprove", exit=2),
    Mistake("option", "hub members --approve ab --dir hub",
            "--approve goes with --words: give both", exit=2),
    Mistake("option", "hub members --resize ab --dir hub",
            "--resize goes with --clients: give both", exit=2),
    Mistake("option", "hub members --name New --dir hub",
            "--name goes with --rename: give both", exit=2),
    Mistake("option", "hub members --suspend ab --dir hub", "there is no member with that id"),
    Mistake("option", "hub ceremony --dir hub0 --holder k1/public.json --holder k1/public.json",
            "--holder: one key holder is named twice"),
    Mistake("option", "hub ceremony --dir hub0 --holder k1/public.json",
            "of 1 key holders it takes at least 2 and at most all: name more with --holder"),
    Mistake("option", f"hub found --dir hub --quorum 9 {THREE} {FOUR} {DESK}",
            "--quorum: of 4 witnesses 3 to 4 must sign"),
    Mistake("option", f"hub found --dir hub --quorum 3 {THREE} {FOUR} --witness '{{w1}};A' {DESK}",
            "--witness: one witness is named twice"),
    Mistake("option", f"hub found --dir hub --quorum 3 {THREE} --witness 'w1;A' {DESK}",
            "--witness: write 'VKEY;control domain', with the key that the witness printed"),
    Mistake("option", f"hub found --dir hub --quorum 3 {THREE} {FOUR} {DESK} --founding-days 90",
            "founding days are 0 to 60, no more", first=_not_founded),
    Mistake("option", "hub init --name H --origin 'a b' --control-domain C --dir new",
            "--origin: key name is empty, too long or has a space"),
    Mistake("option", "keys init --name H --control-domain D --url k.example --dir new",
            "url: write an address such as https://keys.example"),
    Mistake("option", "audit witness add-log w1 nonsense",
            "VKEY: write the log's key, as log.vkey in the hub's folder has it", exit=2),
    Mistake("option", "audit init new --name A --control-domain B --duty-line reception "
            "--duty-hours x", "duty_line: write a telephone number alone", exit=2),
    Mistake("option", "hub charter holidays atlantis --dir hub",
            "holidays are known of england, "),
    Mistake("option", "hub policy show --policy nope", "no such pack; there are england, "),
    Mistake("option", "node team h1 --dir node --hub Other",
            "say which hub with --hub; there is Test hub"),
    Mistake("option", "node withdraw h1 --dir node", "say who you are with --as NAME"),
    Mistake("option", "node withdraw h1 --dir node --as Nobody",
            "nobody here has that name: see patchwork-node people list"),
    Mistake("option", f"node ask h1 ZZZZ --dir node {WHO}",
            "nobody in this client's team has that reference"),
    Mistake("option", f"node answer ab --refuse NOPE --dir node {WHO}", "is not one of", exit=2),
    Mistake("option", f"node answer ab --dir node {WHO}", "say either --allow or --refuse CODE"),
    Mistake("option", "node people away 'H. Visitor' --until soon --dir node",
            "--until is a day: yyyy-mm-dd"),
    Mistake("option", "node people add X --kind boss --dir node", "'boss' is not one of", exit=2),
    Mistake("option", f"node endorse 'one two' --name X --clients 3 --dir node {WHO}",
            "write all 8 words, in order: there are 2"),
    Mistake("option", "node endorse 'acorn ambr anchor apple arch arrow ash autumn' --name X "
            f"--clients 3 --dir node {WHO}",
            "word 2 is not one of the list: did they say amber"),
    Mistake("option", f"node raise-attention h1 moved --dir node {WHO}", "say it with --role: "),
    Mistake("option", "node details --duty-line reception --dir node",
            "duty_line: write a telephone number alone"),
]  # fmt: skip
MISTAKES = [*FOLDERS, *ORDER, *SETTINGS, *NETWORK, *FILES, *CHARTER, *OPTIONS]


def types(
    typed: str, *, keyboard: str | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """What a program says to what is typed."""
    program, *words = split(typed)
    done = CliRunner().invoke(PROGRAMS[program], words, input=keyboard, env=env)
    structlog.reset_defaults()
    return done


def reads(done: Result) -> str:
    """What a person reads of it: without the frame that usage errors have, in one line."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", done.output).split())


@pytest.fixture(scope="module")
def council(
    tmp_path_factory: pytest.TempPathFactory, two_linked: SimFederation
) -> tuple[Path, dict[str, str]]:
    """A council's folders, and words for what it has: keys, its genesis, a port that is taken."""
    folder = tmp_path_factory.mktemp("council")
    before = Path.cwd()
    os.chdir(folder)
    try:
        known = _made()
    finally:
        os.chdir(before)
    shutil.copytree(two_linked.folder / "Health visiting", folder / "node")
    (folder / "node").chmod(0o700)
    (folder / "node" / "node.toml").write_text(BEGUN)
    return folder, known


def _made() -> dict[str, str]:
    holders = ("k1", "k2", "k3")
    given = " ".join(f"--holder {name}/public.json" for name in holders)
    deals = " ".join(f"--deal {name}/deal.json" for name in holders)
    for name in ("hub0", "hub"):
        said(f"hub init --name Hub --origin hub.example/log --control-domain Council --dir {name}")
    for name in holders:
        said(f"keys init --name {name} --control-domain {name} --url https://{name} --dir {name}")
    said(f"hub ceremony --dir hub {given}")
    for name in holders:
        said(f"keys deal --dir {name} --terms hub/terms.json")
    for name in holders:
        said(f"keys combine --dir {name} --terms hub/terms.json {deals}")
    keys_of = {
        n: said(f"audit witness init {n} --name {n}.example") for n in ("w1", "w2", "w3", "w4")
    }
    found = f"hub found --dir hub --quorum 3 {THREE} {FOUR} {DESK}".format(**keys_of)
    genesis = said(found)
    said("node init --dir node0 --name Agency --class charity --duty-line '01632 960001' "
         "--duty-hours Always --clients 300")  # fmt: skip
    said("audit init auditor --name A --control-domain A --duty-line '01632 960002' "
         "--duty-hours Always")  # fmt: skip
    return {**keys_of, "genesis": genesis}


def said(typed: str) -> str:
    done = types(typed)
    assert done.exit_code == 0, done.output
    return done.output.strip()


@pytest.fixture
def place(
    council: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """The current folder has a council's folders; words for what it has."""
    folder, known = council
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken, socket.socket() as closed:
        for each in (taken, closed):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        nobody = closed.getsockname()[1]  # bound and not listening: nobody else can take it
        with sqlite3.connect(tmp_path / "node" / "node.sqlite") as made:
            made.execute("UPDATE hub SET url = ?", (f"http://127.0.0.1:{nobody}",))
        made.close()
        ports = {"taken": str(taken.getsockname()[1]), "closed": str(nobody)}
        invited = invitation(f"http://127.0.0.1:{nobody}", known["genesis"])
        yield {**known, **ports, "invitation": invited}


def invitation(url: str, genesis: str) -> str:
    made = Invitation(hub=url, hub_name="Hub", genesis=genesis, code="ab" * 32)
    return to_base64(encode_wire(made))


def files() -> set[Path]:
    return set(Path().rglob("*"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: f"{one.kind}: {one.said[:40]}")
def test_a_mistake_is_one_sentence_that_names_the_thing(
    mistake: Mistake, place: dict[str, str]
) -> None:
    def filled(text: str) -> str:
        for word, value in place.items():
            text = text.replace(f"{{{word}}}", value)
        return text

    for name, text in mistake.files.items():
        data = text if isinstance(text, bytes) else filled(text).encode()
        Path(name).write_bytes(data)
    mistake.first(Path())
    before = files()
    done = types(filled(mistake.typed), keyboard=filled(mistake.keyboard), env=mistake.env)
    text = reads(done)
    assert filled(mistake.said) in text
    assert done.exit_code == mistake.exit, text
    assert "Traceback" not in text
    assert "(internal)" not in text
    assert "secret" not in text.replace("secrets file", ""), "of an address only who is called"
    if "Usage:" not in text:
        lines = [line for line in done.output.splitlines() if line and not line.startswith("{")]
        assert len(lines) <= 3, "a sentence, and what to do"
    if mistake.kind in {"folder", "charter", "option"}:
        made = {path.suffix for path in files() - before}
        assert made <= {".sqlite", ".sqlite3", ".sqlite-wal", ".sqlite-shm"}, "nothing is made"
    if mistake.kind == "folder":
        assert files() == before, "not even a database"


def test_they_are_many_and_of_every_program() -> None:
    assert len({(one.typed, one.said) for one in MISTAKES}) >= 60
    assert {one.typed.split()[0] for one in MISTAKES} == PROGRAMS.keys()


def test_another_genesis_than_the_log_has_is_said(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an audit, and of an invitation: the operator's own, or somebody's in between."""
    line, url = Line(town.federation), "https://hub.example"
    monkeypatch.setattr("audit.cli.commands.HttpClient", lambda **_: line)
    monkeypatch.setattr("node.actions.membership.HttpClient", lambda **_: line)
    clock = town.federation.clock
    monkeypatch.setattr("runtime.environment.time.time", clock)
    case = tmp_path / "case"
    done = types(f"audit fetch {url} --out {case} --genesis {'ab' * 32}")
    assert (done.exit_code, "not begin with the genesis" in reads(done)) == (1, True), reads(done)
    begun = tmp_path / "begun"
    said(f"node init --dir {begun} --name A --class charity --duty-line '01632 960001' "
         "--duty-hours Always --clients 300")  # fmt: skip
    done = types(f"node join --dir {begun}", keyboard=invitation(url, "ab" * 32))
    assert (done.exit_code, "genesis" in reads(done)) == (1, True), reads(done)


def test_a_fact_that_is_none_of_the_choices_is_told_the_choices(town: Town) -> None:
    from tests.sim.federation import two_agencies

    town.now(two_agencies(town.federation))
    team = json.loads(town.types("Social care", "team", "c1", "--json").stdout)
    words = ("ask", "c1", team["others"][0]["reference"], "--role", "social_worker")
    grounds = ("--purpose", "safeguarding_child", "--basis", "UK-CA89-S47")
    facts = ("--fact", "enquiry_reference=S47-1", "--fact")
    done = town.types("Social care", *words, *grounds, *facts, "informed=maybe")
    assert done.exit_code == 1
    assert "not in the right form: informed" in reads(done)
    assert "It is one of: informed, " in reads(done)
    assert "What you chose is kept" in reads(done)
    done = town.types("Social care", *words, *grounds, *facts, "informd=informed")
    assert "It asks for: " in reads(done)
    done = town.types("Social care", *words, *grounds, *facts, "informed")
    assert "a fact is written field=value" in reads(done)


def test_a_sentence_inside_a_group_of_errors_is_found() -> None:
    ours = LocalError(ErrorCode.CONFIGURATION, "cannot listen on port 1")
    group = ExceptionGroup("", [OSError(28, "no"), ExceptionGroup("", [KeyError("x"), ours])])
    assert sentence_of(group) == (
        "The settings are not usable (configuration): cannot listen on port 1"
    )
    theirs = ExceptionGroup("", [RemoteError(ErrorCode.UNREACHABLE, "hub.example: away")])
    assert sentence_of(theirs).splitlines() == [
        "A service did not answer (unreachable): hub.example: away",
        "Check the network, then try again.",
    ]
    assert "the disk is full" in sentence_of(ExceptionGroup("", [OSError(28, "no")]))


def test_what_nobody_foresaw_says_where_and_repeats_nothing() -> None:
    text = sentence_of(KeyError("Amira Hassan"))
    assert "KeyError" in text
    assert "Amira" not in text


def test_a_question_is_asked_again_until_it_can_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    cli, taken = typer.Typer(), []

    @cli.command()
    def ask() -> None:
        taken.append(asked("Name"))
        taken.append(asked("How many", int))

    done = CliRunner().invoke(cli, input="Amira\nmany\n\n3\n")
    assert done.exit_code == 0, done.output
    assert taken == ["Amira", "3"], "what was answered before stays"
    assert done.output.count("How many") >= 2
    assert "Please type it again." in done.output


def test_a_council_is_founded_although_a_number_was_mistyped(
    place: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _not_founded(Path())
    monkeypatch.setattr("hub.cli.founding.sys.stdin.isatty", lambda: True, raising=False)
    typed = f"hub found --dir hub --quorum 3 {THREE} {FOUR}".format(**place)
    answers = iter(["Desk", "reception", "01632 960000", "Always"])
    monkeypatch.setattr("runtime.cli.typer.prompt", lambda *_, **__: next(answers))
    program, *words = split(typed)
    monkeypatch.setattr("hub.cli.founding.sys", _Terminal)
    done = CliRunner().invoke(PROGRAMS[program], words)
    assert done.exit_code == 0, done.output
    assert "write a telephone number alone" in done.output
    assert next(answers, "all asked") == "all asked"


class _Terminal:
    class stdin:
        @staticmethod
        def isatty() -> bool:
            return True


def test_a_client_is_added_although_a_day_was_mistyped(monkeypatch: pytest.MonkeyPatch) -> None:
    from node.cli.prompts import typed_record

    answers = iter(["Amira", "Hassan", "31/2/2022", "14/3/2022", ""])
    monkeypatch.setattr("runtime.cli.typer.prompt", lambda *_, **__: next(answers))
    monkeypatch.setattr("node.cli.prompts.sys", _Terminal)
    assert typed_record({"given": "", "family": ""}) == {
        "given": "Amira", "family": "Hassan", "date_of_birth": "14/3/2022", "postcode": "",
    }  # fmt: skip


@pytest.mark.usefixtures("place")
def test_the_operator_reads_what_is_signed_and_what_a_change_changes() -> None:
    shown = said("hub charter show --dir hub")
    for part in (
        "Duty desk, under every team Desk, 01632 960000, Always",
        "always findable on ",
        "3 of 4 witnesses must sign the log: w1.example (A)",
        "2 of 3 key holders make tokens: k1 (k1)",
    ):
        assert part in " ".join(shown.split()), part
    kept = re.search(r"signed messages, at the hub: (\d+) days", shown)
    assert kept
    Path("c.toml").write_text('retention_days = 30\n[duty_desk]\nphone = "01632 960009"\n')
    changed = said("hub charter change c.toml --yes --dir hub")
    assert f"in days, falls from {kept[1]} to 30." in changed
    assert "phone becomes 01632 960009 (01632 960000 before)." in changed
