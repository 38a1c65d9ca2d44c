"""Set up a council: hub, three key holders, four witnesses, two agencies and an auditor."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo.stage import ROOT, DemoError, Stage, free_port

HOLDERS = ("Auditor's office", "Wexcombe NHS Trust", "Wexcombe Council")
WITNESSES = {
    "w1.example": "Auditor's office",
    "w2.example": "Neighbouring council",
    "w3.example": "County archive",
    "w4.example": "Wexcombe Council",
}
QUORUM = 3
PULLING = "w4.example"  # as if it stood behind a firewall: it listens to nobody
PEOPLE = Path("demo/people")
ROUND_SECONDS = 2.0
BATCH_SECONDS = 0.2
OPERATOR = "R. Adeyemi"  # who is the hub's operator, at the council


@dataclass(frozen=True)
class Site:
    """Where a council stands: its folder, what it is called, and what its processes are called by
    (`prefix`), so that two can stand beside each other.
    """

    root: Path
    name: str
    domain: str
    prefix: str = ""

    @property
    def hub(self) -> Path:
        """The hub's folder."""
        return self.root / "hub"

    @property
    def origin(self) -> str:
        """The name of its log."""
        return f"hub.{self.domain}/log"


WEXCOMBE = Site(ROOT, "Wexcombe hub", "wexcombe.example")
LEXBRIDGE = Site(ROOT / "lexbridge", "Lexbridge hub", "lexbridge.example", "lexbridge-")


@dataclass(frozen=True)
class Agency:
    """One agency of the demo: folder, name, class, duty line and the file it exports; `person` is
    who acts there, as `patchwork-node people list` has it.
    """

    key: str
    name: str
    member_class: str
    duty_line: str
    person: str
    clients: int = 300

    @property
    def folder(self) -> Path:
        """Its node's folder."""
        return ROOT / self.key


HEALTH = Agency(
    "health", "Wexcombe Health Visiting", "health_provider", "01632 960110",
    "H. Whitcombe (Health visiting, north)", clients=500,
)  # fmt: skip
CHILD = Agency(
    "child", "Wexcombe Children's Services", "childrens_social_care", "01632 960120",
    "A. Okafor (East)",
)  # fmt: skip


CHARITY = Agency(
    "charity", "Wexcombe Family Link", "charity", "01632 960130", "Y. Morgan", clients=20
)
RECOVERY = Agency(
    "recovery", "Wexcombe Recovery", "health_provider", "01632 960150", "D. Hale", clients=20
)
NEIGHBOUR = Agency(
    "neighbour", "Lexbridge Children's Services", "childrens_social_care", "01632 960160",
    "L. Price", clients=20,
)  # fmt: skip


@dataclass(frozen=True)
class Council:
    """What the story needs to know of the council once it stands."""

    hub_url: str
    genesis: str
    witness_names: tuple[str, ...]


def make_hub(stage: Stage, at: Site = WEXCOMBE) -> None:
    """The council's operator makes the hub's folder."""
    at.root.mkdir(exist_ok=True)
    stage.run(
        "patchwork-hub", "init", "--dir", str(at.hub), "--name", at.name,
        "--origin", at.origin, "--control-domain", "Wexcombe Council",
    )  # fmt: skip


def make_key_holders(stage: Stage, at: Site = WEXCOMBE) -> list[Path]:
    """Three key holders make their own keys; their folders."""
    folders = [at.root / f"holder-{number}" for number, _ in enumerate(HOLDERS, 1)]
    stage.run_all(
        *(
            (
                "patchwork-keys", "init", "--dir", str(folder), "--name", folder.name,
                "--control-domain", name, "--url", f"http://127.0.0.1:{free_port()}",
            )
            for folder, name in zip(folders, HOLDERS, strict=True)
        )
    )  # fmt: skip
    return folders


def key_ceremony(stage: Stage, holders: list[Path], at: Site = WEXCOMBE) -> None:
    """The token key is born in three places at once: each deals, each combines, all sign."""
    records = [text for folder in holders for text in ("--holder", str(folder / "public.json"))]
    stage.run("patchwork-hub", "ceremony", "--dir", str(at.hub), "--threshold", "2", *records)
    terms = str(at.hub / "terms.json")
    stage.run_all(
        *(("patchwork-keys", "deal", "--dir", str(item), "--terms", terms) for item in holders)
    )
    deals = [text for folder in holders for text in ("--deal", str(folder / "deal.json"))]
    stage.run_all(
        *(
            ("patchwork-keys", "combine", "--dir", str(item), "--terms", terms, *deals)
            for item in holders
        )
    )


def found(stage: Stage, holders: list[Path], at: Site = WEXCOMBE) -> Council:
    """Witnesses, first charter, and every service running."""
    vkeys = _make_witnesses(stage, at)
    transcripts = [
        text for folder in holders for text in ("--transcript", str(folder / "transcript.json"))
    ]
    named = [
        text
        for name, domain in WITNESSES.items()
        for text in ("--witness", f"{vkeys[name]};{domain}")
    ]
    hub = at.hub
    stage.run(
        "patchwork-hub", "found", "--dir", str(hub), "--quorum", str(QUORUM),
        "--duty-desk", "Wexcombe emergency duty team (invented)", "--duty-phone", "01632 960100",
        "--duty-hours", "Nights, weekends and bank holidays", "--cooling-days", "0",
        *transcripts, *named,
    )  # fmt: skip
    genesis = (hub / "genesis").read_text(encoding="utf-8").strip()
    log_vkey = (hub / "log.vkey").read_text(encoding="utf-8").strip()
    (at.root / "log.vkey").write_text(log_vkey + "\n", encoding="utf-8")
    ports = _start_witnesses(stage, log_vkey, at)
    url = _start_hub(stage, at, {name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
    stage.start(
        at.prefix + PULLING, "patchwork-audit", "witness", "run", str(at.root / PULLING),
        "--pull", url,
        "--allow-private-addresses",
    )  # fmt: skip
    _start_holders(stage, holders, url, genesis, at)
    return Council(url, genesis, tuple(WITNESSES))


def enrol(stage: Stage, agency: Agency, answers_for: Callable[[str], None] | None = None) -> str:
    """One agency joins by invitation; the operator compares the words; the words. A late one also
    has another organisation that answers for it, which hears the same words.
    """
    make_node(stage, agency)
    return join(stage, agency, answers_for)


def make_node(stage: Stage, agency: Agency) -> None:
    """An agency makes its node's folder."""
    stage.run(
        "patchwork-node", "init", "--dir", str(agency.folder), "--name", agency.name,
        "--class", agency.member_class, "--duty-line", agency.duty_line,
        "--duty-hours", "Monday to Friday, 9am to 5pm", "--clients", str(agency.clients),
    )  # fmt: skip
    with (agency.folder / "node.toml").open("a", encoding="utf-8") as file:
        file.write("allow_private_addresses = true\npoll_seconds = 5\n")
        file.write("".join(f"{line}\n" for line in _pages_at(agency.key)))
        file.write(f"api_port = {free_port()}\n")


def join(
    stage: Stage,
    agency: Agency,
    answers_for: Callable[[str], None] | None = None,
    at: Site = WEXCOMBE,
) -> str:
    """An agency's node joins a hub; the words that were compared."""
    invitation = stage.run("patchwork-hub", "invite", "--dir", str(at.hub)).split()[0]
    name = f"{at.prefix}join-{agency.key}"
    stage.start(
        name, "patchwork-node", "join", "--dir", str(agency.folder), "--accept-charter",
        invitation, until="words: ",
    )  # fmt: skip
    return approve(stage, name, answers_for, at)


def approve(
    stage: Stage,
    joining: str,
    answers_for: Callable[[str], None] | None = None,
    at: Site = WEXCOMBE,
) -> str:
    """The operator hears the words, compares them with the screen, and approves."""
    party = stage.wait_for(joining, "party: ").removeprefix("party: ").strip()
    words = stage.wait_for(joining, "words: ").removeprefix("words: ").strip()
    hub = str(at.hub)
    waiting = json.loads(stage.run("patchwork-hub", "members", "--dir", hub, "--json"))
    on_screen = next(row["words"] for row in waiting if row["party_id"] == party)
    if on_screen != words:
        raise DemoError("the words differ")
    stage.run("patchwork-hub", "members", "--dir", hub, "--approve", party, "--words", words)
    if answers_for is not None:
        answers_for(words)
    stage.finish(joining)
    return words


def enrol_auditor(stage: Stage) -> None:
    """The auditor makes keys and joins like everybody else."""
    folder = str(ROOT / "auditor")
    stage.run(
        "patchwork-audit", "init", folder, "--name", "Wexcombe Audit",
        "--control-domain", "Auditor's office", "--duty-line", "01632 960140",
        "--duty-hours", "Weekdays 9am to 5pm",
    )  # fmt: skip
    invitation = stage.run("patchwork-hub", "invite", "--dir", str(ROOT / "hub")).split()[0]
    stage.start(
        "join-auditor", "patchwork-audit", "join", folder, invitation,
        "--allow-private-addresses", until="words: ",
    )  # fmt: skip
    approve(stage, "join-auditor")


def _pages_at(name: str) -> list[str]:
    """Settings of pages at an address of their own: a browser keeps one sign-in for each name, not
    for each port, and two windows of it are to be two people.
    """
    port = free_port()
    return [f"web_port = {port}", f'web_address = "http://{name}.localhost:{port}"']


def _make_witnesses(stage: Stage, at: Site) -> dict[str, str]:
    """Each witness makes its key; their verifier keys by name."""
    made = stage.run_all(
        *(
            ("patchwork-audit", "witness", "init", str(at.root / name), "--name", name)
            for name in WITNESSES
        )
    )
    return {
        name: next(word for word in output.split() if word.startswith(f"{name}+"))
        for name, output in zip(WITNESSES, made, strict=True)
    }


def _start_witnesses(stage: Stage, log_vkey: str, at: Site) -> dict[str, int]:
    """All but the one that pulls listen; their ports by name."""
    stage.run_all(
        *(
            ("patchwork-audit", "witness", "add-log", str(at.root / name), log_vkey)
            for name in WITNESSES
        )
    )
    ports = {name: free_port() for name in WITNESSES if name != PULLING}
    stage.start_all(
        {
            at.prefix + name: (
                "patchwork-audit", "witness", "run", str(at.root / name),
                "--host", "127.0.0.1", "--port", str(port),
            )
            for name, port in ports.items()
        }
    )  # fmt: skip
    return ports


def _start_hub(stage: Stage, at: Site, witness_urls: dict[str, str]) -> str:
    port = free_port()
    lines = [
        f"port = {port}",
        f'public_url = "http://127.0.0.1:{port}"',
        f"round_seconds = {ROUND_SECONDS}",
        f"batch_seconds = {BATCH_SECONDS}",
        "allow_private_addresses = true",
        *_pages_at(f"{at.prefix}council"),
        "[witness_urls]",
        *(f'"{name}" = "{url}"' for name, url in witness_urls.items()),
    ]
    (at.hub / "hub.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stage.start(f"{at.prefix}hub", "patchwork-hub", "serve", "--dir", str(at.hub))
    return f"http://127.0.0.1:{port}"


def _start_holders(stage: Stage, holders: list[Path], hub_url: str, genesis: str, at: Site) -> None:
    for folder in holders:
        url = json.loads((folder / "public.json").read_text(encoding="utf-8"))["url"]
        lines = [
            f"port = {url.rpartition(':')[2]}",
            f'hub_url = "{hub_url}"',
            f'genesis = "{genesis}"',
            "allow_private_addresses = true",
        ]
        (folder / "holder.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stage.start_all(
        {
            f"{at.prefix}holder-{number}": ("patchwork-keys", "serve", "--dir", str(folder))
            for number, folder in enumerate(holders, 1)
        }
    )
