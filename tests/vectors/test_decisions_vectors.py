"""specs/vectors/decisions.json: facts in, decision out, every expectation written by hand."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from protocol.canonical import encode
from protocol.errors import RemoteError
from protocol.governance.charter import ObjectionRule, parse_charter
from protocol.governance.retention import keep_until, may_be_kept
from protocol.messages.attention import AttentionBody
from protocol.messages.bodies import (
    DecisionBody,
    MemberBody,
    PublishedInvolvement,
    RequestBody,
    StubRow,
)
from protocol.messages.enquiries import EnquiryBody
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.review import IdentityRequestBody
from protocol.requests.answers import RULES_GIVE, lacks_person, lacks_reason
from protocol.requests.attention import AttentionFacts, decide_attention
from protocol.requests.decide import (
    Allow,
    Decision,
    HolderFacts,
    HubFacts,
    IdentityFacts,
    LinkFact,
    Refer,
    Refuse,
    Shown,
    decide_holder,
    decide_hub,
    decide_identity,
    decide_introduction,
    decide_show,
    identity_pins,
    seen_from,
    stricter,
)
from protocol.requests.disclosure import Disclosure, WentBy
from protocol.requests.enquiries import EnquiryFacts, decide_enquiry, publishes_unfounded
from protocol.requests.hints import Side, decide_broker, decide_hint
from protocol.requests.overrides import may_override, overrides
from protocol.requests.refusals import REFUSAL_SENTENCES, RefusalCode, sentence
from protocol.requests.renewals import CardBefore, may_follow
from protocol.wire import encode_wire

SPECS = Path(__file__).parents[2] / "specs"
VECTORS: dict[str, Any] = json.loads((SPECS / "vectors/decisions.json").read_text("utf-8"))
CHARTER = parse_charter(encode(VECTORS["charter"]))
MEMBER: dict[str, Any] = {
    "party_id": "00" * 16,
    "name": "Agency",
    "control_domain": "Domain",
    "duty_line": "01632 960001",
    "duty_hours": "Always",
    "keys": {
        "auth": "01" * 32,
        "sign": "02" * 32,
        "seal": "03" * 32,
        "seal_expires": 0,
        "recovery_hash": "04" * 32,
    },
    "enrolment": "",
}


def each(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[group], ids=lambda case: case["name"])


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The base with values at dotted paths replaced."""
    value = copy.deepcopy(base)
    for path, new in changes.items():
        *parents, last = path.split(".")
        place = value
        for name in parents:
            place = place[name]
        assert last in place, f"the base has no {path}"
        place[last] = new
    return value


def with_places(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The same, a number being a place in a list."""
    value = copy.deepcopy(base)
    for path, new in changes.items():
        *parents, last = path.split(".")
        place: Any = value
        for name in parents:
            place = place[int(name) if isinstance(place, list) else name]
        assert last in place or last == "shown_to", f"the base has no {path}"
        place[last] = new
    return value


def member(value: dict[str, str] | None) -> MemberBody | None:
    return None if value is None else MemberBody.model_validate({**MEMBER, **value})


def link(value: dict[str, Any] | None) -> LinkFact | None:
    if value is None:
        return None
    (first, second) = value["ends"]
    return LinkFact(value["state"], ((first[0], first[1]), (second[0], second[1])))


def hub_facts(value: dict[str, Any]) -> HubFacts:
    asked = value["involvement"]
    return HubFacts(
        requester_id=value["requester_id"],
        holder_id=value["holder_id"],
        requester=member(value["requester"]),
        holder=member(value["holder"]),
        link=link(value["link"]),
        involvement=None if asked is None else PublishedInvolvement.model_validate(asked),
        own_involvements=tuple(
            PublishedInvolvement.model_validate(item) for item in value["own_involvements"]
        ),
        requests_today=value["requests_today"],
    )


def in_words(decision: Decision) -> tuple[str, str | None, str | None]:
    match decision:
        case Allow():
            return "allow", None, None
        case Refer():
            return "refer", None, None
        case Refuse(code, field):
            return "refuse", code.value, field


@each("hub")
def test_decide_hub(case: dict[str, Any]) -> None:
    given = changed(VECTORS["base"], case["change"])
    request = RequestBody.model_validate(given["request"])
    decision = decide_hub(CHARTER, request, given["iat"], hub_facts(given["facts"]))
    assert in_words(decision) == (case["outcome"], case["code"], case["field"])


def identity_facts(value: dict[str, Any]) -> IdentityFacts:
    def involvements(name: str) -> tuple[PublishedInvolvement, ...]:
        return tuple(PublishedInvolvement.model_validate(item) for item in value[name])

    return IdentityFacts(
        requester_id=value["requester_id"],
        requester=member(value["requester"]),
        holder=member(value["holder"]),
        link=link(value["link"]),
        doubted=value["doubted"],
        involvements=involvements("involvements"),
        own_involvements=involvements("own_involvements"),
        checks_today=value["checks_today"],
    )


@each("identity")
def test_decide_identity(case: dict[str, Any]) -> None:
    given = changed(VECTORS["identity_base"], case["change"])
    request = IdentityRequestBody.model_validate(given["request"])
    facts = identity_facts(given["facts"])
    decision = decide_identity(CHARTER, request, given["iat"], facts)
    assert in_words(decision) == (case["outcome"], case["code"], case["field"])


HINTS = VECTORS["hints"]
SENSITIVE = parse_charter(
    encode(
        {
            **VECTORS["charter"],
            "involvement_types": [*VECTORS["charter"]["involvement_types"], *HINTS["types"]],
            "classes": [
                *VECTORS["charter"]["classes"],
                *(
                    {"code": code, "title": code.title(), "statutory_reference": "None"}
                    for code in ("police", "school")
                ),
            ],
        }
    )
)
"""The charter with sensitive types that meet others, and classes of members that they do not."""


def side(value: dict[str, Any]) -> Side:
    works = [PublishedInvolvement.model_validate(item) for item in value["involvements"]]
    return Side(value["member_class"], works, value["organisations"])


@pytest.mark.parametrize("case", HINTS["cases"], ids=lambda case: case["name"])
def test_decide_hint(case: dict[str, Any]) -> None:
    given = with_places(HINTS["bases"][case["viewer"]], case["change"])
    viewer, holder = side(given["viewer"]), side(given["holder"])
    state, now = given["link_state"], given["now"]
    assert decide_hint(SENSITIVE, viewer, holder, state, now) == case["hint"]
    asked = decide_broker(SENSITIVE, viewer, holder, state, now)
    back = decide_broker(SENSITIVE, holder, viewer, state, now)
    assert bool(asked) is bool(back) is (case["hint"] == "service"), "both sides, or neither"


@each("introduction")
def test_decide_introduction(case: dict[str, Any]) -> None:
    given = with_places(VECTORS["introduction_base"], case["change"])
    request = IntroductionRequestBody.model_validate(given["request"])
    facts = identity_facts(given["facts"])
    decision = decide_introduction(SENSITIVE, request, given["iat"], facts)
    assert in_words(decision) == (case["outcome"], case["code"], case["field"])


@each("brokered")
def test_decide_hub_of_a_service_that_nobody_sees(case: dict[str, Any]) -> None:
    given = changed(VECTORS["base"], case["change"])
    request = RequestBody.model_validate(given["request"])
    decision = decide_hub(SENSITIVE, request, given["iat"], hub_facts(given["facts"]))
    assert in_words(decision) == (case["outcome"], case["code"], case["field"])


@pytest.mark.parametrize("case", VECTORS["types"]["cases"], ids=lambda case: case["name"])
def test_what_may_be_brokered_and_hinted_at(case: dict[str, Any]) -> None:
    value = copy.deepcopy(VECTORS["charter"])
    value["involvement_types"].append(case["type"])
    if case["good"]:
        assert parse_charter(encode(value)).encode() == encode(value), "not one byte is added"
    else:
        with pytest.raises(RemoteError):
            parse_charter(encode(value))


@each("attention")
def test_decide_attention(case: dict[str, Any]) -> None:
    charter = parse_charter(encode({**VECTORS["charter"], "attention": VECTORS["attention_terms"]}))
    given = changed(VECTORS["attention_base"], case["change"])
    body, facts = AttentionBody.model_validate(given["body"]), given["facts"]
    works = tuple(map(PublishedInvolvement.model_validate, facts["involvements"]))
    known = AttentionFacts(member(facts["sender"]), works, facts["raised_today"])
    decision = decide_attention(charter, body, given["iat"], known)
    assert in_words(decision) == (case["outcome"], case["code"], None)
    nobody = decide_attention(CHARTER, body, given["iat"], known)
    assert in_words(nobody)[1] == "kind_not_known", "a charter from before lets nobody"


def test_a_refused_identity_request_names_nothing_of_the_other_side() -> None:
    names = ("charter", "requester_membership", "holder_membership", "round",
             "requester_publication", "holder_publication")  # fmt: skip
    pins = DecisionFacts(**dict.fromkeys(names, "11" * 32))
    assert identity_pins(Allow(), pins) == pins
    left = identity_pins(Refuse(RefusalCode.OVER_QUOTA), pins)
    assert [name for name in names if getattr(left, name)] == [
        "charter", "requester_membership", "requester_publication",
    ]  # fmt: skip


@each("holder")
def test_decide_holder(case: dict[str, Any]) -> None:
    decision = decide_holder(HolderFacts(**case["facts"]))
    assert in_words(decision) == (case["outcome"], case["code"], None)


@each("disclosures")
def test_what_a_holder_went_by_opens_the_commitment_in_its_decision(case: dict[str, Any]) -> None:
    hashed = hashlib.sha256(
        b"patchwork.commit.v1\n" + bytes.fromhex(case["salt"]) + case["facts"].encode()
    ).hexdigest()
    facts = WentBy.model_validate(json.loads(case["facts"]))
    opened = Disclosure(request_id="ab" * 16, facts=facts, salt=case["salt"])
    assert opened.commitment == case["facts_commitment"] == hashed
    assert in_words(opened.decided_again("allow"))[0] == case["decided_again"]
    assert json.loads(encode_wire(opened))["facts"] == json.loads(case["facts"])


SIDES = VECTORS["sides"]


@pytest.mark.parametrize("case", SIDES["cases"], ids=lambda case: case["name"])
def test_what_the_holders_record_says_is_not_in_a_request(case: dict[str, Any]) -> None:
    value = copy.deepcopy(VECTORS["charter"])
    (place,) = [
        n for n, basis in enumerate(value["lawful_bases"])
        if basis["code"] == SIDES["lawful_basis"]["code"]
    ]  # fmt: skip
    value["lawful_bases"][place] = SIDES["lawful_basis"]
    given = changed(
        VECTORS["base"],
        {"request.basis": SIDES["lawful_basis"]["code"], "request.facts": case["facts"]},
    )
    request = RequestBody.model_validate(given["request"])
    charter = parse_charter(encode(value))
    decision = decide_hub(charter, request, given["iat"], hub_facts(given["facts"]))
    assert in_words(decision) == (case["outcome"], case["code"], case["field"])


@pytest.mark.parametrize("case", VECTORS["rules"]["cases"], ids=lambda case: case["name"])
def test_where_a_fact_may_come_from(case: dict[str, Any]) -> None:
    value = copy.deepcopy(VECTORS["charter"])
    value["lawful_bases"][0]["must_record"] = [case["rule"]]
    if case["good"]:
        assert parse_charter(encode(value)).encode() == encode(value), "not one byte is added"
    else:
        with pytest.raises(RemoteError):
            parse_charter(encode(value))


@each("overrides")
def test_who_may_override_an_objection_and_for_what(case: dict[str, Any]) -> None:
    rule = case["objection"] and ObjectionRule.model_validate(case["objection"])
    basis = CHARTER.lawful_bases[0].model_copy(update={"objection": rule})
    assert may_override(basis, case["holder_class"]) is case["may_override"]
    said = (case["role"], case["reason"])
    assert overrides(basis, case["holder_class"], said) is case["overrides"]


@each("renewals")
def test_whether_a_card_may_leave_in_the_place_of_another(case: dict[str, Any]) -> None:
    assert (
        may_follow(CardBefore(**case["before"]), case["keep_until"], case["iat"]) == case["answer"]
    )


@each("kept")
def test_until_when_a_card_may_be_kept(case: dict[str, Any]) -> None:
    charter = CHARTER.model_copy(update={"retention_days": case["retention_days"]})
    until, released_at = case["keep_until"], case["released_at"]
    assert may_be_kept(charter, until, released_at) is case["may_be_kept"]
    if case["may_be_kept"]:
        assert keep_until(charter, case["permission_ends"], released_at) == until


@each("show")
def test_decide_show(case: dict[str, Any]) -> None:
    involvement = PublishedInvolvement.model_validate(case["involvement"])
    shown = decide_show(CHARTER, case["viewer_class"], involvement, case["link_state"], case["now"])
    assert shown.value == case["shown"]
    assert involvement.model_dump(mode="json") == case["involvement"], "not one byte is added"


@each("past")
def test_decide_show_of_past_work(case: dict[str, Any]) -> None:
    charter = CHARTER.model_copy(update={"past_months": case["past_months"]})
    involvement = PublishedInvolvement.model_validate(case["involvement"])
    shown = decide_show(charter, case["viewer_class"], involvement, case["link_state"], case["now"])
    assert shown.value == case["shown"]


ENQUIRIES = VECTORS["enquiries"]


def enquirable(change: dict[str, Any]) -> dict[str, Any]:
    """The charter with the rule and the type of the vectors, but for a change."""
    value = copy.deepcopy(VECTORS["charter"])
    kind = change.get("type", ENQUIRIES["type"])
    value["involvement_types"] += [kind] if kind else []
    rule = {name: change.get(name, said) for name, said in ENQUIRIES["rule"].items()}
    return {**value, "enquiry": rule}


@pytest.mark.parametrize("case", ENQUIRIES["cases"], ids=lambda case: case["name"])
def test_decide_enquiry(case: dict[str, Any]) -> None:
    given = changed(ENQUIRIES["base"], case["change"])
    said = given["facts"]
    counts = said["by_person_today"], said["by_agency_today"]
    decision = decide_enquiry(
        parse_charter(encode(enquirable({}))),
        EnquiryBody.model_validate(given["enquiry"]),
        given["iat"],
        EnquiryFacts(member(said["sender"]), *counts),
    )
    assert in_words(decision) == (case["outcome"], case["code"], case["field"])


def test_where_the_charter_has_no_rule_nobody_enquires() -> None:
    base = ENQUIRIES["base"]
    facts = EnquiryFacts(member(base["facts"]["sender"]), 0, 0)
    body = EnquiryBody.model_validate(base["enquiry"])
    decision = decide_enquiry(CHARTER, body, base["iat"], facts)
    assert in_words(decision) == ("refuse", "may_not_enquire", None)


@pytest.mark.parametrize("case", ENQUIRIES["rows"], ids=lambda case: case["name"])
def test_what_a_stub_may_publish_by_an_enquiry(case: dict[str, Any]) -> None:
    row = StubRow.model_validate(
        {
            "stub_id": "5e" * 16,
            "revision": 1,
            "retired": not case["involvements"],
            "involvements": case["involvements"],
            "token_commitment": "fa" * 32,
        }
    )
    assert publishes_unfounded(row, case["allowed_until"]) is case["unfounded"]


@pytest.mark.parametrize("case", ENQUIRIES["seen_from"]["cases"], ids=lambda case: case["name"])
def test_what_is_seen_by_who_only_enquires(case: dict[str, Any]) -> None:
    own = [PublishedInvolvement.model_validate(item) for item in case["own"]]
    seen = seen_from(own, Shown(case["shown"]), ENQUIRIES["seen_from"]["now"])
    assert seen.value == case["seen"]


@pytest.mark.parametrize("case", ENQUIRIES["charters"], ids=lambda case: case["name"])
def test_what_a_charter_may_say_of_enquiries(case: dict[str, Any]) -> None:
    value = enquirable(case["change"])
    if case["good"]:
        assert parse_charter(encode(value)).encode() == encode(value), "not one byte is added"
    else:
        with pytest.raises(RemoteError):
            parse_charter(encode(value))


@pytest.mark.parametrize(("first", "second", "expected"), VECTORS["stricter"])
def test_stricter(first: str, second: str, expected: str) -> None:
    values: dict[str, Decision] = {
        "allow": Allow(),
        "refer": Refer(),
        "refuse": Refuse(RefusalCode.OBJECTION),
    }
    assert in_words(stricter(values[first], values[second]))[0] == expected


def test_every_refusal_that_a_rule_can_give_has_a_case() -> None:
    cases = [*VECTORS["hub"], *VECTORS["holder"], *VECTORS["attention"], *ENQUIRIES["cases"]]
    given = {case["code"] for case in cases} - {None}
    assert given | set(VECTORS["persons_only"]) == {code.value for code in RefusalCode}
    assert not given & set(VECTORS["persons_only"])


def test_unknown_and_not_permitted_are_one_answer() -> None:
    """Not one byte of a refusal tells whether there was anything to refuse."""
    answers = {
        (case["code"], case["field"], sentence(case["code"]))
        for case in VECTORS["hub"]
        if case["name"]
        in {
            "the link is not known",
            "the link is only possible",
            "the involvement is not known",
            "the involvement is sensitive",
            "the holding agency is not in the log",
            "the asking agency's class may not see the type",
        }
    }
    assert len(answers) == 1


def test_the_table_of_refusals_in_spec_06_is_the_code() -> None:
    text = (SPECS / "06-requests.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    table = {
        cells[0].strip(" `"): cells[-1].strip()
        for cells in rows
        if cells[0].strip(" `") in set(RefusalCode)
    }
    assert table == {code.value: text for code, text in REFUSAL_SENTENCES.items()}


@pytest.mark.parametrize("case", VECTORS["answers"]["cases"], ids=lambda case: case["name"])
def test_what_the_charter_asks_of_an_answer(case: dict[str, Any]) -> None:
    value = copy.deepcopy(VECTORS["charter"])
    basis = next(item for item in value["lawful_bases"] if item["code"] == "UK-CONSENT")
    basis["reason_in_writing"] = case["reason_in_writing"]
    if case["by_rule"] is not None:
        basis["by_rule"] = case["by_rule"]
    known = parse_charter(encode(value)).lawful_basis("UK-CONSENT")
    reason = "0c" * 32 if case["has_reason"] else None
    decision = DecisionBody(
        request="01" * 32,
        request_id="02" * 16,
        hub_decision="03" * 32,
        outcome=case["outcome"],
        code=case["code"],
        decided_by="04" * 16 if case["by_person"] else None,
        facts_commitment="05" * 32,
        reason_commitment=reason,
        sealed_hash=reason,
    )
    lacks = {
        "person": lacks_person(decision, known, case["requester_class"]),
        "reason": lacks_reason(decision, known),
    }
    assert [what for what, missing in lacks.items() if missing] == [
        what for what in (case["lacks"],) if what
    ]


def test_a_rule_allows_only_what_the_class_may_ask() -> None:
    value = copy.deepcopy(VECTORS["charter"])
    value["lawful_bases"][0]["by_rule"] = ["charity"]
    with pytest.raises(RemoteError, match="what a class may not ask"):
        parse_charter(encode(value))


def test_the_codes_that_rules_give_are_those_of_decide_holder() -> None:
    given = {case["code"] for case in VECTORS["holder"] if case["code"]}
    assert {code.value for code in RULES_GIVE} == given
