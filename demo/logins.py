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
        """One at each agency that has joined, and one at the council, and tell them."""
        commands: dict[str, tuple[str, ...]] = {
            agency.name: (
                "patchwork-node", "accounts", "invite", agency.person, "--sign-in",
                _typed(agency.person), "--administrator", "--dir", str(agency.folder),
            )
            for agency in THREE if agency.folder.exists()
        }  # fmt: skip
        commands[WEXCOMBE.name] = (
            "patchwork-hub", "accounts", "invite", _typed(OPERATOR), "--dir", str(WEXCOMBE.hub),
        )  # fmt: skip
        late = {whose: words for whose, words in commands.items() if whose not in self._of}
        self._serve_all()
        for whose, said in zip(late, self._stage.run_all(*late.values()), strict=True):
            self._of[whose] = _chosen(whose, said)
        self._tell(self.told())

    def told(self) -> str:
        """Addresses, names and the password, in lines."""
        wide = max(len(one.address) for one in self._of.values())
        lines = [f"{one.address:{wide}}  {one.whose}: {one.name}" for one in self._of.values()]
        return "\n".join([*lines, f"Everybody's password: {PASSWORD}"])

    def _serve_all(self) -> None:
        """The charity's node may not run yet, nor know who works there: it came without a file."""
        for agency in THREE:
            if agency.folder.exists() and f"node-{agency.key}" not in self._stage.processes:
                self._story.node(agency, "people add", agency.person, "--kind", "worker")
                self._story.serve(agency)


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
