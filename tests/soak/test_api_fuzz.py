"""The local interface, fuzzed for longer: every bound of each field, and forty of each call."""

from pathlib import Path

from node.web.api import ALL_CALLS
from tests.sim.api_fuzz import lived_in
from tests.sim.conftest import two_linked as two_linked
from tests.sim.federation import SimFederation


def test_whatever_is_sent_it_is_answered_as_described(
    two_linked: SimFederation, tmp_path: Path
) -> None:
    with lived_in(tmp_path, two_linked) as fuzz:
        fuzz.everything(every=1, examples=40)
    assert {path for path, _ in fuzz.statuses} == ALL_CALLS.keys()
