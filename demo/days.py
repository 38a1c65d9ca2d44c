"""What the chapters have in common: how agencies add, see, ask and answer in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from demo.council import HEALTH, PEOPLE, Agency
from demo.stage import Stage
from demo.story import Story

BASES = {
    "health_visiting": "UK-CONSENT",
    "child_in_need": "UK-CA89-S17",
    "youth_work": "UK-CONSENT",
    "drug_and_alcohol": "UK-CONSENT",
    "talking_therapies": "UK-CONSENT",
}


@dataclass(frozen=True)
class Why:
    """In which role and on which basis somebody asks to help early, with the facts it demands."""

    role: str
    basis: str
    facts: tuple[str, ...] = ()


S17 = Why(
    "health_visitor", "UK-CA89-S17", ("views=sought", "proportionality=No less intrusive way")
)


class Days:
    """Ordinary days, told through the commands of the programs."""

    def __init__(self, stage: Stage, story: Story, tell: Callable[[str], None]) -> None:
        self._stage = stage
        self._story = story
        self._tell = tell

    def _add(
        self, agency: Agency, client: str, who: Sequence[str], service: str, *more: str
    ) -> None:
        """Somebody adds a client by hand."""
        self._add_all((agency, client, who, service, *more))

    def _add_all(self, *clients: tuple[Agency, str, Sequence[str], str, *tuple[str, ...]]) -> None:
        """Agencies add a client each: first, once, what is the same for all of a service."""
        presets = {(agency, service) for agency, _, _, service, *_ in clients}
        self._story.all_nodes(
            *(
                (agency, "clients preset", one, "--service", one, "--basis", BASES[one])
                for agency, one in presets - self._story.presets
            )
        )
        self._story.presets |= presets
        self._story.all_nodes(*(_added(*client) for client in clients))

    def _import(self, agency: Agency, file: str) -> str:
        path = PEOPLE / file
        mapping = path.with_suffix(".mapping.toml")
        return self._story.node(agency, "import", str(path), "--mapping", str(mapping), "--yes")

    def _labels(self, agency: Agency, client: str) -> list[str]:
        return sorted(one["label"] for one in self._story.team(agency, client)["others"])

    def _sees(self, agency: Agency, client: str, labels: list[str]) -> None:
        """Wait until an agency sees just this work of others with a client."""
        what = f"{agency.name} sees {labels}"
        self._stage.until(lambda: self._labels(agency, client) == labels, what)

    def _asks_and_gets(self, asker: Agency, client: str, why: Why) -> dict[str, Any]:
        """An agency asks health visiting for a worker, whose person allows it; the card."""
        request = self._asks(asker, HEALTH, client, why)
        self._story.node(HEALTH, "answer", request, "--allow", "--as", HEALTH.person)
        card: dict[str, Any] = self._stage.until(
            lambda: self._last(asker, client)["card"], "the card arrives and opens"
        )
        return card

    def _asks(self, asker: Agency, asked: Agency, client: str, why: Why) -> str:
        """An agency asks another for the first worker in a client's team; the request, which waits
        for a person there.
        """
        reference = self._story.team(asker, client)["others"][0]["reference"]
        stated = [text for fact in why.facts for text in ("--fact", fact)]
        self._story.node(
            asker, "ask", client, reference, "--as", asker.person, "--role", why.role,
            "--purpose", "early_help", "--basis", why.basis, *stated,
        )  # fmt: skip
        waiting: list[str] = self._stage.until(
            lambda: [
                item["request_id"]
                for item in self._story.inbox(asked)["received"]
                if item["state"] == "asks_person"
            ],
            f"the request reaches {asked.name}",
        )
        return waiting[0]

    def _last(self, agency: Agency, client: str) -> dict[str, Any]:
        """An agency's last request about a client."""
        sent = self._story.inbox(agency)["sent"]
        return [item for item in sent if item["client"] == client][-1]


def _added(
    agency: Agency, client: str, who: Sequence[str], service: str, *consent: str
) -> tuple[Agency, *tuple[str, ...]]:
    """The words with which a client is added; those on consent only where it is the basis."""
    given, family, born, postcode = who
    words = (
        "clients add", "--id", client, "--given", given, "--family", family, "--born",
        born, "--postcode", postcode, "--preset", service, "--as", agency.person,
        *(consent if BASES[service] == "UK-CONSENT" else ()),
    )  # fmt: skip
    return (agency, *words)
