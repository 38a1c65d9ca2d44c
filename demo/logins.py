"""Logins of three agencies and the council: invented people, who choose a password by a link."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

from demo.council import CHARITY, CHILD, HEALTH, OPERATOR, WEXCOMBE, Agency
from demo.stage import DemoError, Stage
from demo.story import Story

PASSWORD = "harbour tern rowan seven"  # noqa: S105 - of people who do not exist
THREE = (HEALTH, CHILD, CHARITY)
OFFERS = {
    HEALTH.key: ("Visits at home", "health_visiting", "UK-CA04-S10-S11"),
    CHILD.key: ("Family support", "child_in_need", "UK-CA04-S10-S11"),
    CHARITY.key: ("Youth club", "youth_work", "UK-CONSENT"),
}
"""What whoever adds a client chooses from: its name, the service, the lawful basis."""
LINK = re.compile(r"(http://\S+?)/welcome/\S+")
FIELD = re.compile(r'name="(csrf|once)" value="([^"]+)"')


@dataclass(frozen=True)
class Login:
    """Where somebody signs in, at whose pages, and by which name."""

    address: str
    whose: str
    name: str


class Logins:
    """Who can sign in by now. `give` lets in who cannot yet."""

    def __init__(self, stage: Stage, story: Story, tell: Callable[[str], None]) -> None:
        self._stage, self._story, self._tell = stage, story, tell
        self._of: dict[str, Login] = {}

    def of(self, agency: Agency) -> Login:
        """That of the demo's person at an agency."""
        return self._of[agency.name]

    @property
    def council(self) -> Login:
        """That of the hub's operator."""
        return self._of[WEXCOMBE.name]

    @property
    def are_given(self) -> bool:
        """Whether anybody has one."""
        return bool(self._of)

    def give(self) -> None:
        """One at each agency that has joined, and one at the council, and tell them. A charity has
        one person for everything; those of the others find no pages for administrators.
        """
        late = [agency for agency in self._here() if agency.name not in self._of]
        self._serve(late)
        invited = {agency.name: self._invited(agency) for agency in late}
        if WEXCOMBE.name not in self._of:
            invited[WEXCOMBE.name] = (
                "patchwork-hub", "accounts", "invite", _typed(OPERATOR), "--dir",
                str(WEXCOMBE.hub),
            )  # fmt: skip
        said = self._stage.run_all(*invited.values(), *map(_offered, late))
        for whose, link in zip(invited, said, strict=False):
            self._of[whose] = _chosen(whose, link)
        self._tell(self.told())

    def told(self) -> str:
        """Addresses, names and the password, in lines."""
        wide = max(len(one.address) for one in self._of.values())
        lines = [f"{one.address:{wide}}  {one.whose}: {one.name}" for one in self._of.values()]
        return "\n".join([*lines, f"Everybody's password: {PASSWORD}"])

    def _here(self) -> list[Agency]:
        return [agency for agency in THREE if agency.folder.exists()]

    def _serve(self, agencies: list[Agency]) -> None:
        """The charity's node may not run yet, nor know who works there: it came without a file."""
        for agency in agencies:
            if f"node-{agency.key}" not in self._stage.processes:
                self._story.node(agency, "people add", agency.person, "--kind", "worker")
                self._story.serve(agency)

    def _invited(self, agency: Agency) -> tuple[str, ...]:
        return (
            "patchwork-node", "accounts", "invite", agency.person, "--sign-in",
            _typed(agency.person), *(["--administrator"] if agency is CHARITY else []),
            "--dir", str(agency.folder),
        )  # fmt: skip


def _offered(agency: Agency) -> tuple[str, ...]:
    name, service, basis = OFFERS[agency.key]
    return (
        "patchwork-node", "clients", "preset", name, "--service", service, "--basis", basis,
        "--dir", str(agency.folder),
    )  # fmt: skip


def _typed(person: str) -> str:
    """What somebody types to sign in: A. Okafor (East) is a.okafor."""
    return person.partition(" (")[0].casefold().replace(". ", ".")


def _chosen(whose: str, said: str) -> Login:
    """The login of somebody who was sent a one-time link, once they have chosen a password."""
    link, name = LINK.search(said), re.search(r"sign in as (\S+?)\.?$", said, re.MULTILINE)
    if link is None or name is None:
        raise DemoError(f"no link for {whose}")
    _choose_password(link.group(0), link.group(1))
    return Login(link.group(1), whose, name.group(1))


def _choose_password(link: str, address: str) -> None:
    """What somebody does who opens a one-time link. Browsers know where *.localhost is; Python asks
    the machine, which may not.
    """
    there = urlsplit(link)
    here = there._replace(netloc=f"127.0.0.1:{there.port}").geturl()
    headers = {"Host": there.netloc, "Origin": address}
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    with opener.open(Request(here, headers=headers)) as page:  # noqa: S310 - our own
        fields = dict(FIELD.findall(page.read().decode()))
    typed = urlencode({**fields, "password": PASSWORD, "again": PASSWORD}).encode()
    with opener.open(Request(here, typed, headers)) as page:  # noqa: S310 - our own
        if "/welcome/" in page.url:
            raise DemoError("the one-time link was not taken")
