"""What the hub names no evidence for, and what a person cannot do twice or to nobody."""

from node.views.review import queue_value
from protocol.matchkeys.records import ClientRecord
from protocol.messages.review import IdentityDecisionBody
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_identity_check import unsure as unsure  # a fixture
from tests.sim.test_refusals_hub import last
from tests.sim.test_review import queue

Agencies = tuple[SimNode, SimNode]


async def test_a_check_over_records_that_no_longer_agree(
    federation: SimFederation, unsure: Agencies
) -> None:
    """The record was corrected and no round has come since: no value is left to lock details by."""
    _, care = unsure
    (waiting,) = await queue(care)
    other = ClientRecord(None, "Peter", None, "Moss", "2001-01-01", "M", "9 Oak Way", "LX9 8YY")
    await care.take_in(row("c1", other, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    check_id = await check(care, waiting.link_id)
    decided = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
    assert (decided.outcome, decided.evidence) == ("allow", None)
    await federation.settle()
    assert (await sent_check(care, check_id))["state"] == "refused"
    assert await federation.entries("identity_check") == []
    assert await care.read(lambda tables: queue_value(tables, care.membership)) is not None
