"""specs/vectors/consents.json: what stands of a record, what it covers, a receipt."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.config import Agreement, HubTerms
from node.publishing.narrowing import all_shown_to
from node.records.agreements import Agreed, agreed
from node.store.consents import Consent, How
from node.store.objections import SaidBy
from node.store.records import Client, Involvement
from node.store.tables import NodeTables
from node.views.receipt import Said, receipt_text, receipt_value
from protocol.canonical import encode
from protocol.governance.charter import parse_charter
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import MemberBody, PublishedInvolvement
from tests.vectors.test_decisions_vectors import MEMBER

VECTORS = Path(__file__).parents[2] / "specs/vectors"
CASES: dict[str, Any] = json.loads((VECTORS / "consents.json").read_text("utf-8"))
CHARTER = parse_charter(
    encode(json.loads((VECTORS / "decisions.json").read_text("utf-8"))["charter"])
)
AGREEMENT = Agreement(CHARTER, HubTerms())


def each(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[group], ids=lambda case: case["name"])


def record(**change: Any) -> Consent:
    value = {**CASES["record"], **change}
    value |= {"given_by": SaidBy(value["given_by"]), "how": How(value["how"])}
    value |= {name: tuple(value[name]) for name in ("classes", "purposes")}
    return Consent(**value, id=1, involvement=1, recorded_by=1, recorded_at=0)


@each("covers")
def test_what_a_consent_covers(case: dict[str, Any]) -> None:
    value = {**case["stands"]}
    value |= {name: tuple(value[name]) for name in ("classes", "purposes")}
    asked = (case["basis"], case["member_class"], case["purpose"], case["now"])
    assert Agreed(**value).covers(*asked) is case["covers"]


@each("stands")
def test_what_stands_of_a_consent(case: dict[str, Any]) -> None:
    item = Involvement(id=1, client=1, type="health_visiting", **case["work"])
    last = record(**case["record"]) if case["record"] else None
    found = agreed(AGREEMENT, item, last, case["now"])
    if case["stands"] is None:
        assert found is None
        return
    assert found is not None
    told = {name: getattr(found, name) for name in case["stands"]}
    assert json.loads(json.dumps(told)) == case["stands"]


class Records:
    """The one store that is asked, with one record or none."""

    def __init__(self, classes: list[str] | None) -> None:
        self._classes = classes

    def newest(self, involvements: Any) -> dict[int, Consent]:
        named = self._classes
        return {} if named is None else {item: record(classes=named) for item in involvements}


@each("shown_to")
def test_to_whom_a_consent_lets_work_be_shown(case: dict[str, Any]) -> None:
    tables: Any = object.__new__(NodeTables)
    tables.consents = Records(case["classes"])
    item = Involvement(id=1, client=1, type=case["type"], permission_basis=case["permission_basis"])
    found = all_shown_to(tables, AGREEMENT, [item]).get(1)
    assert (found and list(found)) == case["shown_to"]


def test_what_the_hub_is_told_has_the_bytes_of_the_spec() -> None:
    published = PublishedInvolvement.model_validate(CASES["published"])
    assert encode(published.model_dump(mode="json")) == encode(CASES["published"])


def test_a_receipt() -> None:
    case = CASES["receipt"]
    agency = MemberBody.model_validate({**MEMBER, **case["agency"], "status": "active"})
    basis = next(item for item in CHARTER.lawful_bases if item.code == "UK-CONSENT")
    said = Said(
        consent=record(withdrawn_at=case["withdrawn_at"]),
        client=Client(1, case["client"], ClientRecord(given=case["given"], family=case["family"])),
        agency=agency,
        service=case["service"],
        basis=basis.model_copy(update={"source": case["source"]}),
        permission=basis,
        jurisdictions=case["jurisdictions"],
        recipients=case["recipients"],
        purposes=case["purposes"],
    )
    assert receipt_value(said, case["receipt_id"]) == case["receipt"]
    page = receipt_text(said)
    for words in case["says"]:
        assert words in page
    duty = basis.model_copy(update={"permission_class": "duty", "title": "A duty", "source": "s1"})
    beside = Said(**{**vars(said), "permission": duty})
    assert "another ground too: A duty (s1)." in receipt_text(beside)
