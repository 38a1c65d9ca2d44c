"""A council of real processes, founded by its set-ups alone: one command for each party, the files
that they hand to each other, and one set-up that is stopped half-way.

Whoever runs a set-up has written its answers down beforehand, but for the words, which the council
hears over the telephone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from demo.council import CHARITY, CHILD, HEALTH, HOLDERS, PEOPLE, QUORUM, WITNESSES, Agency, Council
from demo.local_api import listens
from demo.stage import ROOT, DemoError, Stage, free_port

HUB = ROOT / "hub"
AGENCIES = (HEALTH, CHILD, CHARITY)
LISTENING = tuple(WITNESSES)[:-1]  # the last one asks the hub
FROM_COUNCIL = str(HUB / "to-all.json")


@dataclass
class TypingStage(Stage):
    """A stage that writes down what is typed on it."""

    typed: list[Sequence[str]] = field(default_factory=list)

    def run(self, program: str, *arguments: str, expect: int | None = 0) -> str:
        """Run a command to its end; its output."""
        self.typed.append((program, *arguments))
        return super().run(program, *arguments, expect=expect)

    def start_all(
        self,
        services: Mapping[str, Sequence[str]],
        until: str = "listening",
        *,
        typed: bool = False,
    ) -> None:
        """Start services side by side."""
        self.typed += services.values()
        super().start_all(services, until, typed=typed)


def answered(name: str, values: Mapping[str, str | int | bool]) -> tuple[str, str]:
    """The option with a file of these answers."""
    path = ROOT / f"{name}.answers.toml"
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return "--answers", str(path)


def address() -> str:
    return f"http://127.0.0.1:{free_port()}"


def found_by_set_up(stage: Stage) -> Council:
    """From empty folders to three agencies that have published and serve."""
    url = address()
    _begin_hub(stage, url)
    stage.start_all(dict(_holders()), until="to the council")
    stage.start_all(dict(_witnesses()), until="to the council")
    stage.wait_for("set-up", "Start the hub")
    settings = HUB / "hub.toml"
    text = settings.read_text(encoding="utf-8")
    assert "round_seconds = 30" in text, "a trial's rounds are short, and here they are shorter"
    quick = text.replace("round_seconds = 30", "round_seconds = 2.0\nbatch_seconds = 0.2")
    settings.write_text(quick, encoding="utf-8")
    stage.start("hub", "patchwork-hub", "serve", "--dir", str(HUB))
    stage.wait_for("set-up", "to that agency alone", times=len(AGENCIES))
    stage.start_all({f"node-{one.key}": _joining(one) for one in AGENCIES}, until="words: ")
    for one in AGENCIES:
        with (one.folder / "node.toml").open("a", encoding="utf-8") as file:
            file.write(f"api_port = {free_port()}\n")
    broken_off = f"node-{AGENCIES[-1].key}"
    shown = stage.said(broken_off, "words: ")
    stage.stop(broken_off)
    stage.start_all({broken_off: _joining(AGENCIES[-1])}, until="words: ")
    if stage.said(broken_off, "words: ") != shown:
        raise DemoError("it went on with another application")
    for number in range(1, len(AGENCIES) + 1):
        said = stage.wait_for("set-up", "has applied", times=number)
        agency = next(one for one in AGENCIES if said.startswith(one.name))
        words = stage.said(f"node-{agency.key}", "words: ")[0].removeprefix("words: ")
        stage.type("set-up", words)
    stage.finish("set-up")
    for one in AGENCIES:
        stage.wait_for(f"node-{one.key}", "node serving")
        stage.until(partial(listens, one.folder), f"{one.name} can be asked")
    genesis = (HUB / "genesis").read_text(encoding="utf-8").strip()
    return Council(url, genesis, tuple(WITNESSES))


def _begin_hub(stage: Stage, url: str) -> None:
    told = answered(
        "hub",
        {
            "name": "Wexcombe hub", "control_domain": "Wexcombe Council", "url": url,
            "trial": True, "port": int(url.rpartition(":")[2]), "origin": "hub.example/log",
            "duty_desk": "Wexcombe emergency duty team (invented)", "duty_phone": "01632 960100",
            "duty_hours": "Nights, weekends and bank holidays",
            "holders": len(HOLDERS), "threshold": 2, "witnesses": len(WITNESSES), "quorum": QUORUM,
            "founding_days": 60, "cooling_days": 0, "files": str(ROOT / "*" / "to-council.json"),
            "parties_right": True, "agencies": ", ".join(one.name for one in AGENCIES),
        },
    )  # fmt: skip
    command = ("patchwork-hub", "set-up", "--dir", str(HUB), *told)
    stage.start_all({"set-up": command}, until="Ask 3 key holders", typed=True)


def _holders() -> Iterator[tuple[str, Sequence[str]]]:
    for number, domain in enumerate(HOLDERS, 1):
        name, url = f"holder-{number}", address()
        told = answered(
            name,
            {
                "name": name, "control_domain": domain, "url": url, "trial": True,
                "port": int(url.rpartition(":")[2]), "council_file": FROM_COUNCIL,
                "terms_right": True, "genesis_right": True, "serve": True,
            },
        )  # fmt: skip
        yield name, ("patchwork-keys", "set-up", "--dir", str(ROOT / name), *told)


def _witnesses() -> Iterator[tuple[str, Sequence[str]]]:
    for name, domain in WITNESSES.items():
        url = address() if name in LISTENING else ""
        port = {"port": int(url.rpartition(":")[2])} if url else {}
        told = answered(
            name,
            {
                "name": name, "control_domain": domain, "url": url, "trial": True, **port,
                "council_file": FROM_COUNCIL, "log_right": True, "serve": True,
            },
        )  # fmt: skip
        yield name, ("patchwork-audit", "witness", "set-up", str(ROOT / name), *told)


def _joining(agency: Agency) -> Sequence[str]:
    file = PEOPLE / f"{agency.key}.csv"
    brings: dict[str, str | bool] = {
        "clients_file": str(file), "mapping": str(file.with_suffix(".mapping.toml")),
        "import_doubtful": True, "publish": True,
    } if file.exists() else {"clients_file": "", "publish": False}  # fmt: skip
    told = answered(
        agency.key,
        {
            "invitation": str(_invitation_of(agency)), "trial": True, "name": agency.name,
            "member_class": agency.member_class, "duty_line": agency.duty_line,
            "duty_hours": "Monday to Friday, 9am to 5pm", "clients": agency.clients,
            "accept_charter": True, "serve": True, **brings,
        },
    )  # fmt: skip
    return ("patchwork-node", "set-up", "--dir", str(agency.folder), *told)


def _invitation_of(agency: Agency) -> Path:
    """The invitation that was made out to this agency."""
    first = agency.name.split()[1].casefold().partition("'")[0]
    found = [path for path in (HUB / "invitations").glob("*.txt") if first in path.name]
    if len(found) != 1:
        raise DemoError(f"no invitation for {agency.name}")
    return found[0]
