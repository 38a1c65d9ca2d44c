"""`make demo`: a whole council on this machine, and the first chapter of its story.

`--chapter NAME` tells another one. `--check` tells all of them unattended, and ends; with a chapter
that one. Exit codes: 0 the story went as told, 1 it did not.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from demo.chapters import chapters
from demo.council import (
    CHILD,
    HEALTH,
    Council,
    enrol,
    enrol_auditor,
    found,
    key_ceremony,
    make_hub,
    make_key_holders,
)
from demo.logins import Logins
from demo.narrator import Narrator
from demo.stage import BIN, ROOT, DemoError, Stage, fresh_folder
from demo.story import Story
from demo.trouble import Trouble

Steps = Sequence[tuple[str, Callable[[], None]]]
FIRST = "beginning"
NAMES = (
    FIRST,
    "records",
    "pages",
    "consent",
    "protection",
    "sensitive",
    "front-door",
    "moving",
    "news",
)


def perform(stage: Stage, narrator: Narrator, names: Sequence[str]) -> tuple[Council, Logins]:
    """Set the council up and tell these chapters; what stands now, and who can sign in."""
    narrator.title("Three key holders make their keys")
    make_hub(stage)
    holders = make_key_holders(stage)
    narrator.title("The token key is born in three places at once; nobody ever holds it whole")
    key_ceremony(stage, holders)
    narrator.title("The charter is written; hub, key holders and four witnesses start")
    council = found(stage, holders)
    narrator.tell(f"Genesis fingerprint, which everybody pins: {council.genesis}")
    for agency in (HEALTH, CHILD):
        narrator.title(f"{agency.name} joins by invitation")
        words = enrol(stage, agency)
        narrator.tell(f"The operator hears the same words as on the screen: {words}")
    enrol_auditor(stage)
    story = Story(stage, council, narrator.tell)
    trouble = Trouble(stage, story, narrator.tell)
    logins = Logins(stage, story, narrator.tell)
    _tell(
        narrator,
        [
            ("Each agency brings its own file", story.bring_files),
            ("Each publishes hashed identifiers; the hub sees tokens only", story.publish),
        ],
    )
    beginning: Steps = [
        ("Each is told that somebody works with Amira", story.find_each_other),
        ("A charity joins late", story.join_late),
        ("A request without the facts its code demands", story.refuse_without_facts),
        ("A request as it should be", story.ask_and_answer),
        ("Somebody copies the hub's disk; nobody notices yet", trouble.copy_the_disk),
        ("Witnesses are away: an allowed card waits", trouble.without_a_quorum),
        ("Consent is withdrawn", story.withdraw),
        ("The auditor", story.audit),
        ("The copied disk is started: a second history", trouble.second_history),
    ]
    told = {FIRST: beginning, **chapters(stage, story, logins, narrator.tell)}
    for name in names:
        if len(names) > 1:
            narrator.heading(name)
        _tell(narrator, told[name])
    return council, logins


def _tell(narrator: Narrator, steps: Steps) -> None:
    for title, step in steps:
        narrator.title(title)
        step()


def what_next(hub_url: str, logins: str, *, audited: bool) -> str:
    """What somebody can do while everything stays up: addresses, commands, where the files are."""
    case, here = ROOT / "case", Path.cwd()
    place = BIN.relative_to(here) if BIN.is_relative_to(here) else BIN
    third = f"patchwork-audit report {case} --html {ROOT / 'report.html'}"
    if not audited:
        third = f"patchwork-hub members --dir {ROOT / 'hub'}"
    first, *rest = logins.splitlines()
    rows = [
        ("Sign in", first),
        *(("", line) for line in rest),
        ("", "In two windows: add the same child at two of them, and ask from one to the other."),
        ("Look at", f"{hub_url}/status"),
        ("", f"{hub_url}/healthz"),
        ("Try", f"{place}/patchwork-node team c-0001 --dir {CHILD.folder}"),
        ("", f"{place}/patchwork-node inbox --dir {HEALTH.folder}"),
        ("", f"{place}/{third}"),
        ("Files", f"{ROOT}/ has a folder for each organisation"),
        ("", f"{ROOT / 'logs'}/ has what each service says"),
    ]
    if audited:
        rows.append(("", f"{case / 'log'}/ is the auditor's copy, {ROOT / 'log.vkey'} its key"))
    rows += [
        ("Other tales", 'make demo ARGS="--chapter NAME": ' + ", ".join(NAMES[1:])),
        ("For real", "docs/operate/README.md"),
    ]
    stays = "\nEverything stays up until you press Ctrl-C. Meanwhile, in a browser or a terminal:\n"
    return "\n".join([stays, *(f"  {what:12s} {said}" for what, said in rows)])


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="tell every chapter and end")
    parser.add_argument("--chapter", choices=NAMES, help="tell this one")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    arguments = parser.parse_args()
    names = (arguments.chapter,) if arguments.chapter else NAMES if arguments.check else (FIRST,)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    fresh_folder()
    stage = Stage(pictures=arguments.pictures)
    try:
        with Narrator(lambda: stage.doing) as narrator:
            council, logins = perform(stage, narrator, names)
            if not arguments.check and not logins.are_given:
                narrator.title("Everybody gets a login")
                logins.give()
        print("\nThe whole story went as told.", flush=True)
        if not arguments.check:
            print(what_next(council.hub_url, logins.told(), audited=FIRST in names), flush=True)
            threading.Event().wait()
    except DemoError as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
    finally:
        stage.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
