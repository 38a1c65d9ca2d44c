"""Decisions as people meet them, under the charter template that ships (England)."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from protocol.canonical import encode
from protocol.governance.charter import Charter, parse_charter
from protocol.messages.bodies import MemberBody, PublishedInvolvement, RequestBody
from protocol.requests.decide import (
    Allow,
    Decision,
    HolderFacts,
    HubFacts,
    LinkFact,
    Refer,
    Refuse,
    Shown,
    allows_break_glass,
    decide_holder,
    decide_hub,
    decide_show,
    fits,
    stricter,
)
from protocol.requests.overrides import may_override, overrides
from protocol.requests.refusals import RefusalCode, sentence
from protocol.requests.spans import in_force
from tests.conftest import VECTORS, Council

NOW, DAY = 1_790_000_000, 86_400
ASKER, HOLDER = ("a0" * 16, "51" * 16), ("b0" * 16, "52" * 16)
COMMITTED = "c0" * 32
TEMPLATE = Path(__file__).parents[2] / "hub" / "members" / "charter_template.json"
BASE = json.loads((VECTORS / "decisions.json").read_text("utf-8"))["base"]


@pytest.fixture
def england(council: Council) -> Charter:
    template = json.loads(TEMPLATE.read_text("utf-8"))
    return parse_charter(encode({**council.charter_value, **template}))


def involvement(type_: str, **changes: object) -> PublishedInvolvement:
    value = {**BASE["facts"]["involvement"], "type": type_, **changes}
    return PublishedInvolvement.model_validate(value)


def request(basis: str, purpose: str, role: str = "nurse", **facts: str) -> RequestBody:
    value = {**BASE["request"], "basis": basis, "purpose": purpose, "facts": facts}
    return RequestBody.model_validate({**value, "practitioner": {"id": "7a" * 16, "role": role}})


def between(asker: str, holder: str, asked: PublishedInvolvement) -> HubFacts:
    def member(member_class: str) -> MemberBody:
        value: dict[str, Any] = json.loads(
            next(
                case["payload"]
                for case in json.loads((VECTORS / "statements.json").read_text("utf-8"))["valid"]
                if case["kind"] == "member"
            )
        )["body"]
        return MemberBody.model_validate({**value, "member_class": member_class})

    return HubFacts(
        requester_id=ASKER[0],
        holder_id=HOLDER[0],
        requester=member(asker),
        holder=member(holder),
        link=LinkFact("match", (ASKER, HOLDER)),
        involvement=asked,
        own_involvements=(involvement("health_visiting"),),
        requests_today=0,
    )


PLAN = involvement("child_protection")
S17 = request("UK-CA89-S17", "early_help", views="sought", proportionality=COMMITTED)
VISITOR_ASKS_SOCIAL_WORKER = between("health_provider", "childrens_social_care", PLAN)


def test_a_health_visitor_asks_who_has_the_child_protection_plan(england: Charter) -> None:
    assert decide_hub(england, S17, NOW, VISITOR_ASKS_SOCIAL_WORKER) == Allow()


def test_she_forgets_to_say_whether_the_family_was_asked(england: Charter) -> None:
    asked = request("UK-CA89-S17", "early_help", proportionality=COMMITTED)
    decision = decide_hub(england, asked, NOW, VISITOR_ASKS_SOCIAL_WORKER)
    assert decision == Refuse(RefusalCode.MISSING_FACT, "views")
    assert "is missing: views" in sentence("missing_fact", "views")


def test_she_gives_the_reason_in_a_word(england: Charter) -> None:
    asked = request("UK-CA89-S17", "early_help", views="sought", proportionality="worried")
    decision = decide_hub(england, asked, NOW, VISITOR_ASKS_SOCIAL_WORKER)
    assert decision == Refuse(RefusalCode.WRONG_FACT, "proportionality")


@pytest.mark.parametrize("word", ["bad", "g" * 64, "C0" * 32, COMMITTED[1:], COMMITTED + "0"])
def test_a_word_is_no_commitment_even_in_letters_of_one(england: Charter, word: str) -> None:
    basis = england.lawful_basis("UK-CA89-S17")
    assert basis is not None
    (rule,) = [rule for rule in basis.must_record if rule.field == "proportionality"]
    assert fits(rule, COMMITTED)
    assert not fits(rule, word)


def test_she_writes_the_reason_in_the_clear() -> None:
    with pytest.raises(ValidationError):
        request("UK-CA89-S17", "early_help", views="sought", proportionality="Mum drinks")


def test_police_enquire_into_significant_harm(england: Charter) -> None:
    asked = request(
        "UK-CA89-S47",
        "safeguarding_child",
        "police_officer",
        enquiry_reference=COMMITTED,
        informed="unsafe_to_inform",
    )
    assert decide_hub(england, asked, NOW, between("police", "health_provider", PLAN)) == Allow()
    visitor = between("health_provider", "childrens_social_care", PLAN)
    assert decide_hub(england, asked, NOW, visitor) == Refuse(RefusalCode.BASIS_NOT_USABLE)


def test_a_charity_cannot_ask_for_direct_care(england: Charter) -> None:
    asked = request(
        "UK-HSCA-251B", "direct_care", care_relationship="current", objection="none_known"
    )
    facts = between("charity", "health_provider", involvement("health_visiting"))
    assert decide_hub(england, asked, NOW, facts) == Refuse(RefusalCode.BASIS_NOT_USABLE)


def test_a_power_that_parliament_has_not_commenced_is_not_usable(england: Charter) -> None:
    asked = request("UK-CA04-16LA", "safeguarding_child", relevance=COMMITTED)
    decision = decide_hub(england, asked, NOW, VISITOR_ASKS_SOCIAL_WORKER)
    assert decision == Refuse(RefusalCode.BASIS_NOT_USABLE)


def test_consent_needs_the_day_it_was_given(england: Charter) -> None:
    facts = between("charity", "health_provider", involvement("health_visiting"))
    given = {"consent_giver": "client", "consent_form": COMMITTED}
    asked = request("UK-CONSENT", "early_help", consent_date="2026-08-31", **given)
    assert decide_hub(england, asked, NOW, facts) == Allow()
    for day in ("2026-08-32", "2026-13-01", "2026-02-29", "yesterday"):
        asked = request("UK-CONSENT", "early_help", consent_date=day, **given)
        expected = Refuse(RefusalCode.WRONG_FACT, "consent_date")
        assert decide_hub(england, asked, NOW, facts) == expected, day


def test_nobody_finds_out_whether_an_ex_partner_has_a_drug_worker(england: Charter) -> None:
    """Sensitive, ended, unknown, somebody else's: one answer, to the byte."""
    drug_worker = involvement("drug_and_alcohol")
    ended = involvement("child_protection", active_until=NOW - DAY)
    answers = [
        decide_hub(england, S17, NOW, facts)
        for facts in (
            between("health_provider", "health_provider", drug_worker),
            between("health_provider", "health_provider", ended),
            replace(VISITOR_ASKS_SOCIAL_WORKER, involvement=None),
            replace(VISITOR_ASKS_SOCIAL_WORKER, link=None),
            replace(VISITOR_ASKS_SOCIAL_WORKER, link=LinkFact("possible", (ASKER, HOLDER))),
            replace(VISITOR_ASKS_SOCIAL_WORKER, holder=None),
        )
    ]
    assert answers == [Refuse(RefusalCode.NOT_AVAILABLE)] * 6


def test_no_class_of_member_sees_a_sensitive_involvement(england: Charter) -> None:
    sensitive = [kind for kind in england.involvement_types if kind.openness == "sensitive"]
    for kind, member_class in itertools.product(sensitive, england.classes):
        shown = decide_show(england, member_class.code, involvement(kind.code), "match", NOW)
        assert shown is Shown.NOTHING


def test_a_possible_match_tells_of_itself_and_no_more(england: Charter) -> None:
    assert decide_show(england, "school", PLAN, "possible", NOW) is Shown.POSSIBLE
    assert decide_show(england, "school", PLAN, "match", NOW) is Shown.INVOLVEMENT
    assert decide_show(england, "auditor", PLAN, "match", NOW) is Shown.NOTHING


def test_the_end_of_work_and_the_end_of_permission_both_end_it() -> None:
    work = involvement("child_protection", active_until=NOW + 10)
    assert in_force(work, NOW + 9)
    assert not in_force(work, NOW + 10)
    permission = {"basis_class": "consent", "valid_until": NOW + 5}
    consent = involvement("child_protection", active_until=None, permission=permission)
    assert in_force(consent, NOW + 4)
    assert not in_force(consent, NOW + 5)


def test_past_work_is_seen_for_the_charters_months_and_a_person_decides(england: Charter) -> None:
    charter = england.model_copy(update={"past_months": 3})
    months = 3 * 30 * DAY
    ended = involvement("child_protection", active_until=NOW)
    facts = replace(VISITOR_ASKS_SOCIAL_WORKER, involvement=ended)

    def shown(charter: Charter, now: int, state: str = "match", **change: Any) -> Shown:
        work = ended.model_copy(update=change)
        return decide_show(charter, "health_provider", work, state, now)

    assert shown(charter, NOW - 1) is Shown.INVOLVEMENT
    assert shown(charter, NOW) is Shown.PAST
    assert shown(charter, NOW + months - 1) is Shown.PAST
    assert shown(charter, NOW + months) is Shown.NOTHING
    assert shown(england, NOW) is Shown.NOTHING, "a charter that says nothing shows nothing"
    assert shown(charter, NOW, "possible") is Shown.NOTHING
    assert shown(charter, NOW, type="drug_and_alcohol") is Shown.NOTHING
    expired = ended.permission.model_copy(update={"valid_until": NOW})
    assert shown(charter, NOW, permission=expired) is Shown.NOTHING
    assert decide_hub(charter, S17, NOW, facts) == Refer()
    nobody = Refuse(RefusalCode.NOT_AVAILABLE)
    assert decide_hub(england, S17, NOW, facts) == nobody
    late = replace(facts, involvement=ended.model_copy(update={"active_until": NOW - months}))
    assert decide_hub(charter, S17, NOW, late) == nobody
    own = replace(VISITOR_ASKS_SOCIAL_WORKER, own_involvements=(ended,))
    assert decide_hub(charter, S17, NOW, own) == nobody, "who works no longer asks no more"


def test_a_request_lives_fourteen_days_at_most(england: Charter) -> None:
    asked = S17.model_copy(update={"expires": NOW + 14 * DAY, "needed_by": NOW + DAY})
    assert decide_hub(england, asked, NOW, VISITOR_ASKS_SOCIAL_WORKER) == Allow()
    expected = Refuse(RefusalCode.REQUEST_EXPIRED)
    assert decide_hub(england, asked, NOW - 1, VISITOR_ASKS_SOCIAL_WORKER) == expected


def test_the_time_of_asking_decides_not_the_clock_of_who_reads(england: Charter) -> None:
    """The auditor, years later, gets the same answer from the same facts."""
    facts = replace(VISITOR_ASKS_SOCIAL_WORKER, requests_today=199)
    assert decide_hub(england, S17, NOW, facts) == decide_hub(england, S17, NOW, facts) == Allow()
    full = replace(facts, requests_today=200)
    assert decide_hub(england, S17, NOW, full) == Refuse(RefusalCode.OVER_QUOTA)


def test_a_card_leaves_without_witnesses_only_on_a_basis_that_says_so(england: Charter) -> None:
    """The basis comes from a charter that may no longer have it."""
    bases = {basis.code: allows_break_glass(basis) for basis in england.lawful_bases}
    assert [code for code, allowed in bases.items() if allowed] == ["UK-VITAL"]
    assert not allows_break_glass(england.lawful_basis("UK-REPEALED"))


def test_nobody_overrides_an_objection_on_a_basis_that_the_charter_no_longer_has(
    england: Charter,
) -> None:
    repealed = england.lawful_basis("UK-REPEALED")
    assert not may_override(repealed, "health_provider")
    assert not overrides(repealed, "health_provider", ("manager", "serious_harm"))


ALL_HOLDER_FACTS = [
    HolderFacts(permission, objection, proven, earlier, rule)
    for permission, objection, proven, earlier, rule in itertools.product(
        (True, False), (True, False), (True, False), (0, 1, 99), ("ask", "allow", "")
    )
]


def test_a_holder_allows_unasked_only_what_is_proven_permitted_wanted_known_and_ruled() -> None:
    allowed = [facts for facts in ALL_HOLDER_FACTS if decide_holder(facts) == Allow()]
    assert [
        HolderFacts(True, objection=False, link_proven=True, earlier_requests_from_requester=n,
                    rule="allow")
        for n in (1, 99)
    ] == allowed  # fmt: skip


def test_the_first_request_of_an_agency_always_goes_to_a_person() -> None:
    for facts in ALL_HOLDER_FACTS:
        if facts.earlier_requests_from_requester == 0:
            assert decide_holder(facts) != Allow()


ORDER = {Allow: 0, Refer: 1, Refuse: 2}
EVERY_DECISION: list[Decision] = [Allow(), Refer(), *(Refuse(code) for code in RefusalCode)]


def test_a_holder_is_never_more_permissive_than_the_hub() -> None:
    for hub, facts in itertools.product(EVERY_DECISION, ALL_HOLDER_FACTS):
        both = stricter(hub, decide_holder(facts))
        assert ORDER[type(both)] >= ORDER[type(hub)]
        assert ORDER[type(both)] >= ORDER[type(decide_holder(facts))]
        assert both in {hub, decide_holder(facts)}


def test_of_two_refusals_the_first_is_told() -> None:
    first, second = Refuse(RefusalCode.OBJECTION), Refuse(RefusalCode.LINK_NOT_PROVEN)
    assert stricter(first, second) == first
    assert stricter(second, first) == second


def test_every_refusal_is_a_sentence_that_says_what_to_do() -> None:
    for code in RefusalCode:
        text = sentence(code, "views")
        assert text.endswith(".")
        assert "{" not in text
        assert ("views" in text) == (code in {RefusalCode.MISSING_FACT, RefusalCode.WRONG_FACT})
    assert sentence("from_the_future") == "Refused (from_the_future). Call the duty line."
    assert "(not named)" in sentence("missing_fact")
