"""Each difference between two charters, which way it goes, and the sentence that a person reads."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hub.policies.packs import pack
from protocol.governance.acceptance import NOT_ACCEPTED_YET, unaccepted
from protocol.governance.changes import differences
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory, apply_public_leaf
from protocol.governance.limits import TOKEN_DAYS
from protocol.log.note import SignatureType, VerifierKey
from protocol.messages.bodies import CharterAcceptBody
from tests.conftest import Council, key, party_id

ENGLAND = pack("england")

ROOT = Path(__file__).parents[2]
TEMPLATE = json.loads((ROOT / "hub/members/charter_template.json").read_text("utf-8"))
AGENCY = 0x30


@pytest.fixture
def value(council: Council) -> dict[str, Any]:
    """The template that ships, as a charter's value."""
    return {**council.charter_value, **TEMPLATE, "match_policy": ENGLAND.to_json()}


def put(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """A copy with the value at a dotted path replaced; things in lists go by their code."""
    value = copy.deepcopy(value)
    *parents, last = path.split("/")
    place: Any = value
    for name in parents:
        place = place[name] if isinstance(place, dict) else named(place, name)
    place[last] = new
    return value


def named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if name in (item.get("code"), item.get("id")))


def compare(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    found = differences(Charter.model_validate(old), Charter.model_validate(new))
    return list(found.loosened), list(found.tightened)


UP_AND_DOWN = [
    ("match_policy/bias", 400, "the score that every pair starts from rises from 3.23 to 4.00."),
    ("match_policy/guards/guarded/upper", 80, "an automatic match falls from 1.00 to 0.80."),
    ("match_policy/lower", -200, "the score for a possible match falls from 0.30 to -2.00."),
    ("match_policy/keys/nid_dob.1/agree", 500, "the weight of equality rises from 4.32 to 5.00."),
    ("match_policy/keys/nid_dob.1/disagree", -9, "a difference rises from -1.48 to -0.09"),
    ("match_policy/contested/close", -9, "what a close rival costs rises from -1.74 to -0.09."),
    ("match_policy/contested/margin", 90, "a rival may come falls from 1.50 to 0.90."),
    ("match_policy/keys/nid_dob.1/cap", 2, "the most tokens of a record rises from 1 to 2."),
    ("quotas/requests_per_day", 999, "requests per day rises from 200 to 999."),
    ("quotas/invites_per_day", 9, "that a member may ask for a day rises from 5 to 9."),
    ("attention/per_day", 60, "the times a day that an agency may raise it rises from 30 to 60."),
    ("quotas/first_stubs/least", 90, "the least rises from 40 to 90."),
    ("quotas/evaluations_at_once/per_thousand", 10**6, "thousand clients rises from 15000 to 1"),
    ("request_lifetime_days", 90, "request, in days, rises from 14 to 90."),
    ("disclosure_days", 2000, "kept, in days, rises from 1095 to 2000."),
    ("retention_days", 4000, "kept, in days, rises from 2555 to 4000."),
    ("node_retention/closed_client_days", 1100, "clients are kept rises from 1095 to 1100."),
    ("node_retention/request_days", 2556, "requests are kept rises from 2555 to 2556."),
    ("node_retention/news_days", 1100, "news are kept rises from 1095 to 1100."),
    ("lawful_bases/UK-CA04-16LA/in_force", "yes", "in force becomes yes (pending before)."),
    ("lawful_bases/UK-CA89-S47/notify_subject", False, "concerned becomes no (yes before)."),
    ("involvement_types/police_contact/openness", "always_findable", "becomes always findable"),
    ("involvement_types/drug_and_alcohol/openness", "open", "becomes open (sensitive before)."),
    ("involvement_types/police_contact/notice", "digest", "told of it becomes digest (notice bef"),
    ("involvement_types/police_contact/notice", "quiet", "told of it becomes quiet (notice befo"),
    ("involvement_types/drug_and_alcohol/brokered_to", ["health_provider", "charity", "school"],
     "whose sensitive services it may meet: school is added."),
    ("involvement_types/drug_and_alcohol/hint_from", 5,
     "a hint through the duty desk: from 5 organisations of the class on (never before)."),
]  # fmt: skip


@pytest.mark.parametrize(("path", "new", "said"), UP_AND_DOWN, ids=lambda item: str(item)[:40])
def test_up_loosens_and_down_tightens(
    value: dict[str, Any], path: str, new: Any, said: str
) -> None:
    if path.endswith("notify_subject"):
        value = put(value, path, True)
    if path.endswith("openness"):  # only what is sensitive meets others
        value = put(value, path.replace("openness", "brokered_to"), [])
    loosened, tightened = compare(value, put(value, path, new))
    assert tightened == []
    assert len(loosened) == 1
    assert loosened[0].lower().endswith(said.lower()) or said in loosened[0], loosened
    back_loosened, back_tightened = compare(put(value, path, new), value)
    assert (len(back_loosened), len(back_tightened)) == (0, 1)


def test_fewer_witnesses_that_must_sign_loosen_and_other_witnesses_as_well(
    value: dict[str, Any],
) -> None:
    other = VerifierKey("w2.example", SignatureType.COSIGNATURE_V1, bytes.fromhex(key(0x60)))
    second = {"name": "w2.example", "control_domain": "Elsewhere", "vkey": other.text}
    two = {**value, "witnesses": [*value["witnesses"], second], "quorum": 2}
    one_of_two = {**two, "quorum": 1}
    said = "The number of witnesses that must sign falls from 2 to 1."
    assert compare(two, one_of_two) == ([said], [])
    assert compare(one_of_two, two)[0] == []
    assert compare(one_of_two, value)[0] == ["Witness w2.example is taken out."]
    assert compare(value, one_of_two)[0] == ["Witness w2.example is added."]


def test_a_lower_number_for_a_hint_loosens_and_none_tightens(value: dict[str, Any]) -> None:
    path = "involvement_types/drug_and_alcohol/hint_from"
    none, five, six = (put(value, path, number) for number in (None, 5, 6))
    assert [bool(part) for part in compare(six, five)] == [True, False]
    assert [bool(part) for part in compare(five, six)] == [False, True]
    assert compare(five, none)[1][0].endswith(
        "a hint through the duty desk: never (from 5 organisations of the class on before)."
    )


def test_what_is_always_findable_loosens_and_so_does_another_basis(value: dict[str, Any]) -> None:
    path = "involvement_types/child_protection/basis"
    none, one, other = (put(value, path, basis) for basis in (None, "UK-CA89-S17", "UK-CA89-S47"))
    assert compare(none, one)[0][0].endswith("lawful basis UK-CA89-S17 (none before).")
    assert compare(one, other)[0][0].endswith("UK-CA89-S47 (UK-CA89-S17 before).")
    loosened, tightened = compare(one, none)
    assert (loosened, len(tightened)) == ([], 1)


def test_raising_attention_loosens_where_there_was_none_and_with_each_kind(
    value: dict[str, Any],
) -> None:
    none, terms = put(value, "attention", None), value["attention"]
    loosened, tightened = compare(none, value)
    assert loosened[0].startswith("Raising attention is possible, 30 times a day: Please call me,")
    assert tightened == []
    assert compare(value, none) == ([], ["Raising attention is not possible any more."])
    fewer = put(value, "attention", {**terms, "kinds": terms["kinds"][1:]})
    said = "Raising attention, what may be said please_call (Please call me) is"
    assert compare(fewer, value) == ([f"{said} added."], [])
    assert compare(value, fewer) == ([], [f"{said} taken out."])
    renamed = put(value, "attention/kinds/moved_home/title", "Left home")
    assert [len(found) for found in compare(value, renamed)] == [1, 0]
    twice = put(value, "attention", {**terms, "kinds": [*terms["kinds"], terms["kinds"][0]]})
    with pytest.raises(ValidationError, match="a code twice"):
        Charter.model_validate(twice)
    nobody = put(value, "quotas/invites_per_day", None)
    assert compare(nobody, value)[0] == [
        "Quotas: the organisations that a member may ask for a day rises from 0 to 5."
    ]
    assert compare(value, nobody)[0] == []


def test_asking_less_often_about_unconfirmed_work_loosens(value: dict[str, Any]) -> None:
    never, six, nine = (put(value, "confirm_months", months) for months in (None, 6, 9))
    said = "Work that nobody confirms is looked at"
    assert compare(never, six) == ([], [f"{said} after 6 months (never before)."])
    assert compare(six, never) == ([f"{said} never (after 6 months before)."], [])
    assert [len(found) for found in compare(six, nine)] == [1, 0]
    assert [len(found) for found in compare(nine, six)] == [0, 1]


ENQUIRY = {
    "classes": ["childrens_social_care"],
    "bases": ["UK-CA89-S47"],
    "days": 14,
    "per_person_day": 10,
    "per_agency_day": 50,
}
KIND = {
    "code": "enquiry",
    "title": "Enquiry",
    "openness": "open",
    "visible_to": ["police"],
    "labels": ["Enquiry"],
}


def test_enquiries_and_every_number_and_list_of_theirs_loosen_by_being_more(
    value: dict[str, Any],
) -> None:
    known = put(value, "involvement_types", [*value["involvement_types"], KIND])
    with_rule = {**known, "enquiry": ENQUIRY}
    said = "Enquiring about people who are no clients is possible, for childrens_social_care."
    assert compare(known, with_rule) == ([said], [])
    assert compare(with_rule, known) == (
        [],
        ["Enquiring about people who are no clients is not possible any more."],
    )
    for change, words in (
        ({"classes": ["childrens_social_care", "police"]}, "police is added."),
        ({"bases": ["UK-CA89-S47", "UK-CA89-S17"]}, "UK-CA89-S17 is added."),
        ({"days": 15}, "the days for which an enquiry is seen rises from 14 to 15."),
        (
            {"per_person_day": 11},
            "enquiries of one person in a day rises from 10 to 11.",
        ),
        (
            {"per_agency_day": 51},
            "enquiries of one agency in a day rises from 50 to 51.",
        ),
    ):
        looser = {**known, "enquiry": {**ENQUIRY, **change}}
        (loosened,), tightened = compare(with_rule, looser)
        assert loosened.endswith(words)
        assert tightened == []
        assert [len(found) for found in compare(looser, with_rule)] == [0, 1]


LISTS = [
    ("involvement_types/police_contact/visible_to", "health_provider"),
    ("lawful_bases/UK-CA89-S47/requester_classes", "charity"),
    ("lawful_bases/UK-CA89-S47/holder_classes", "auditor"),
    ("involvement_types/police_contact/labels", "Another label"),
    ("roles", "chimney_sweep"),
]


@pytest.mark.parametrize(("path", "more"), LISTS)
def test_one_more_in_a_list_loosens_one_less_tightens_and_order_says_nothing(
    value: dict[str, Any], path: str, more: str
) -> None:
    place: Any = value
    for name in path.split("/"):
        place = place[name] if isinstance(place, dict) else named(place, name)
    assert more not in place
    longer = put(value, path, [*place, more])
    assert compare(value, longer)[0][0].endswith(f": {more} is added.")
    assert compare(longer, value)[0] == []
    assert compare(longer, value)[1][0].endswith(f": {more} is taken out.")
    if not path.endswith("labels"):
        assert compare(value, put(value, path, list(reversed(place)))) == ([], [])


def test_a_new_key_is_news_to_the_hub_and_one_without_disagreement_may_go(
    value: dict[str, Any],
) -> None:
    # No guard may name a key that goes.
    for point in ("guarded", "open"):
        for name in ("each_of", "vetoes"):
            value = put(value, f"match_policy/guards/{point}/{name}", [])

    def without(key_id: str) -> dict[str, Any]:
        keys = [key for key in value["match_policy"]["keys"] if key["id"] != key_id]
        return put(value, "match_policy/keys", keys)

    assert compare(value, without("name_pc.2")) == (
        [],
        ["Match policy, match key name_pc.2 is taken out."],
    )
    assert compare(value, without("name_dob.1"))[0], "its difference counted against a match"
    assert compare(without("name_pc.2"), value)[0] == [
        "Match policy, match key name_pc.2 is added."
    ]


def test_what_counts_as_a_place_loosens_either_way_and_a_guard_taken_away(
    value: dict[str, Any],
) -> None:
    placeless = put(value, "match_policy/keys/alias_dob_pc.4/place", False)
    said = "Match policy, match key alias_dob_pc.4, counts as place evidence becomes "
    assert compare(value, placeless)[0] == [f"{said}no (yes before)."]
    assert compare(placeless, value)[0] == [f"{said}yes (no before)."]
    for part, other in (("vetoes", []), ("each_of", []), ("bar", None)):
        freed = put(value, f"match_policy/guards/guarded/{part}", other)
        assert compare(value, freed)[0]
        assert compare(freed, value)[0], "what nobody weighs loosens whichever way it goes"
    opened = put(value, "match_policy/operating_point", "open")
    assert compare(value, opened)[0]
    assert compare(opened, value)[0]


def test_both_ways_at_once_loosens(value: dict[str, Any]) -> None:
    mixed = put(put(value, "match_policy/guards/guarded/upper", 900), "match_policy/bias", 324)
    loosened, tightened = compare(value, mixed)
    assert (len(loosened), len(tightened)) == (1, 1)


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("match_policy/stop_token_records", 59),
        ("match_policy/stop_token_records", 61),
        ("tables", {}),
        ("jurisdictions", ["england", "wales"]),
        ("jurisdictions", []),
        ("hub/control_domain", "Somebody else"),
        ("token_key/threshold", 3),
        ("involvement_types/police_contact/title", "Something else"),
        ("classes/police/statutory_reference", "Another Act"),
        ("lawful_bases/UK-CA89-S47/source", "Another Act"),
        ("lawful_bases/UK-CA89-S47/permission_class", "consent"),
    ],
)
def test_what_is_not_known_to_be_harmless_loosens(
    value: dict[str, Any], path: str, new: Any
) -> None:
    loosened, _ = compare(value, put(value, path, new))
    assert len(loosened) == 1


@pytest.mark.parametrize(
    ("field", "new", "said"),
    [
        ("name", "Emergency duty team", "Duty desk, name becomes Emergency duty team ("),
        ("phone", "01632 960001", "Duty desk, phone becomes 01632 960001 (01632 960000 before)."),
        ("hours", "Always", "Duty desk, hours becomes Always ("),
    ],
)
def test_another_duty_desk_is_told_and_gives_nobody_more_or_less(
    value: dict[str, Any], field: str, new: str, said: str
) -> None:
    changed = put(value, f"duty_desk/{field}", new)
    found = differences(Charter.model_validate(value), Charter.model_validate(changed))
    assert (found.loosened, found.tightened) == ((), ())
    (sentence,) = found.neutral
    assert sentence.startswith(said)


def test_a_field_of_a_later_policy_loosens_by_being_there_or_different(
    value: dict[str, Any],
) -> None:
    old = Charter.model_validate(value)
    later = {**value["match_policy"], "mode": "open"}
    other = {**value["match_policy"], "mode": "guarded"}
    new = Charter.model_construct(**{**old.__dict__, "match_policy": later})
    third = Charter.model_construct(**{**old.__dict__, "match_policy": other})
    for pair, said in (
        ((old, new), "open (not stated before)"),
        ((new, old), "not stated (open before)"),
        ((new, third), "guarded (open before)"),
        ((third, new), "open (guarded before)"),
    ):
        assert differences(*pair).loosened == (f"Match policy, mode becomes {said}.",)


def test_facts_a_basis_demands(value: dict[str, Any]) -> None:
    rules = named(value["lawful_bases"], "UK-CA89-S47")["must_record"]
    path = "lawful_bases/UK-CA89-S47/must_record"
    assert compare(value, put(value, path, rules[1:]))[0], "less to give reasons for"
    readable = {"field": "more", "title": "More", "type": "enum", "choices": ["a1", "b1"]}
    assert compare(value, put(value, path, [*rules, readable]))[0], "the hub reads more"
    sealed = {**readable, "type": "committed", "choices": []}
    assert compare(value, put(value, path, [*rules, sealed]))[0] == []


def test_whether_a_fact_is_typed_or_comes_from_a_record(value: dict[str, Any]) -> None:
    """UK-CONSENT as it ships takes facts from the asker's record and looks at the holder's."""
    path = "lawful_bases/UK-CONSENT/must_record"
    shipped = named(value["lawful_bases"], "UK-CONSENT")["must_record"]
    typed = [
        {name: rule[name] for name in ("field", "title", "type", "choices")}
        for rule in shipped
        if rule["side"] == "asker"
    ]
    before = put(value, path, typed)
    loosened, tightened = compare(before, value)
    assert loosened == [], "it binds at once"
    where = "where it comes from becomes the asker's consent record"
    basis = "Lawful basis UK-CONSENT (Explicit consent), fact"
    assert tightened == [
        f"{basis} consent_date (Date of consent), {where} (given on) (typed before).",
        f"{basis} consent_giver (Who gave consent?), {where} (given by) (typed before).",
        f"{basis} consent_form (Wording version of the form), {where} (wording) (typed before).",
        f"{basis} holder_consent (Did the client agree at the other organisation too?) is added.",
    ]
    assert len(compare(value, before)[0]) == 4, "each way back loosens"
    other = [{**shipped[1], "record": "how"} if n == 1 else rule for n, rule in enumerate(shipped)]
    assert compare(value, put(value, path, other))[0], "what is not known to be stricter"


def test_an_agency_is_bound_by_what_it_signed_and_by_what_is_no_looser(council: Council) -> None:
    first = council.charter()
    quotas = dict(council.charter_value["quotas"])

    def later(before: Charter, requests: int) -> Charter:
        changed = {**quotas, "requests_per_day": requests}
        return council.charter(
            version=before.version + 1, predecessor=before.document_hash, quotas=changed
        )

    tighter = later(first, 1)
    looser = later(tighter, 999)
    back = later(looser, quotas["requests_per_day"])
    body = CharterAcceptBody(version=1, document_hash=first.document_hash)
    accept, _ = council.statement(body, party_id(AGENCY), AGENCY)
    leaves = [council.charter_leaf(first), council.member_leaf(AGENCY), accept]
    leaves += [council.charter_leaf(charter) for charter in (tighter, looser, back)]
    directory, found = Directory(), []
    for index, leaf in enumerate(leaves):
        directory = apply_public_leaf(directory, index, leaf, council.documents)
        found.append(unaccepted(directory, party_id(AGENCY)))
    assert found == [
        [NOT_ACCEPTED_YET],
        [NOT_ACCEPTED_YET],
        [],
        [],
        [f"Quotas: requests per day rises from {quotas['requests_per_day']} to 999."],
        [],
    ]


def test_the_first_times_for_nodes_tighten_and_none_any_more_loosens(value: dict[str, Any]) -> None:
    without = {name: item for name, item in value.items() if name != "node_retention"}
    loosened, tightened = compare(without, value)
    assert loosened == []
    said = "closed client days 1095, request days 2555, news days 1095, withdrawn days 2555."
    assert tightened == [f"How long nodes keep what is over is bounded: {said}"]
    loosened, tightened = compare(value, without)
    assert loosened == ["How long nodes keep what is over is not bounded any more."]
    assert tightened == []


@pytest.mark.parametrize("days", [30, 40_000])
def test_another_time_for_hashes_loosens_whichever_way(value: dict[str, Any], days: int) -> None:
    loosened, tightened = compare(value, put(value, "node_retention/withdrawn_days", days))
    assert loosened == [f"Hashes of who withdrew are kept for {days} days (2555 before)."]
    assert tightened == []


def test_a_closed_client_stays_while_what_it_gave_up_counts(value: dict[str, Any]) -> None:
    Charter.model_validate(put(value, "node_retention/closed_client_days", TOKEN_DAYS))
    with pytest.raises(ValidationError, match="closed_client_days"):
        Charter.model_validate(put(value, "node_retention/closed_client_days", TOKEN_DAYS - 1))


ANSWERING = {
    "time_zone": "Europe/London",
    "holidays": ["2026-12-25", "2026-12-28"],
    "worker_days": 2,
    "duty_days": 1,
    "manager_days": 2,
    "urgent_duty_hours": 2,
    "urgent_manager_hours": 4,
}
LONGER = [
    ("worker_days", 3, "the days that a worker has to answer rises from 2 to 3."),
    ("duty_days", 2, "the days that duty has to answer rises from 1 to 2."),
    ("manager_days", 9, "the days that a manager has to answer rises from 2 to 9."),
    ("urgent_duty_hours", 3, "the hours that duty has for what is urgent rises from 2 to 3."),
    ("urgent_manager_hours", 5, "that a manager has for what is urgent rises from 4 to 5."),
    (
        "holidays",
        ["2026-12-25", "2026-12-28", "2027-01-01", "2027-03-26"],
        "days on which nobody has to answer: 2 more, from 2027-01-01 to 2027-03-26.",
    ),
]


@pytest.mark.parametrize(("field", "new", "said"), LONGER, ids=lambda item: str(item)[:20])
def test_more_time_to_answer_loosens_and_less_tightens(
    value: dict[str, Any], field: str, new: Any, said: str
) -> None:
    short = put(value, "answering", ANSWERING)
    long = put(value, "answering", {**ANSWERING, field: new})
    (sentence,), tightened = compare(short, long)
    assert sentence.lower().endswith(said), sentence
    assert tightened == []
    back_loosened, back_tightened = compare(long, short)
    assert (len(back_loosened), len(back_tightened)) == (0, 1)


def test_a_clock_tightens_and_none_any_more_or_another_zone_loosens(value: dict[str, Any]) -> None:
    value.pop("answering", None)
    timed = put(value, "answering", ANSWERING)
    bounded = (
        "How long agencies have to answer is bounded: worker days 2, duty days 1, manager days 2, "
        "urgent duty hours 2, urgent manager hours 4."
    )
    assert compare(value, timed) == ([], [bounded])
    assert compare(timed, value) == (
        ["How long agencies have to answer is not bounded any more."],
        [],
    )
    moved = put(value, "answering", {**ANSWERING, "time_zone": "Australia/Melbourne"})
    assert len(compare(timed, moved)[0]) == len(compare(moved, timed)[0]) == 1


def test_a_basis_that_is_not_urgent_any_more_loosens(value: dict[str, Any]) -> None:
    path = "lawful_bases/UK-VITAL/urgent"
    urgent, slow = put(value, path, True), put(value, path, False)
    loosened, tightened = compare(urgent, slow)
    assert loosened[0].endswith("answering by the wall clock becomes no (yes before).")
    assert tightened == []
    assert compare(slow, urgent)[0] == []
    absent = copy.deepcopy(value)
    named(absent["lawful_bases"], "UK-VITAL").pop("urgent", None)
    assert compare(absent, slow) == ([], []), "a basis from before clocks is not urgent"


def test_whose_requests_a_rule_may_allow_loosens_by_class_and_by_not_being_said(
    value: dict[str, Any],
) -> None:
    path = "lawful_bases/UK-CA89-S47/by_rule"
    named(value["lawful_bases"], "UK-CA89-S47").pop("by_rule", None)
    nobodys, one = put(value, path, []), put(value, path, ["police"])
    two = put(value, path, ["police", "childrens_social_care"])
    where = "whose requests a rule may allow: "

    def said(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
        ways = compare(old, new)
        assert all(where in sentence for way in ways for sentence in way)
        loosened, tightened = ([text.partition(where)[2] for text in way] for way in ways)
        return loosened, tightened

    assert said(value, nobodys) == ([], ["nobody and no other class."])
    assert said(value, two) == ([], ["police, childrens_social_care and no other class."])
    assert said(one, two) == (["childrens_social_care is added."], [])
    assert said(two, one) == ([], ["childrens_social_care is taken out."])
    assert said(nobodys, value) == (["anybody's."], [])
    with pytest.raises(ValidationError, match="what a class may not ask"):
        Charter.model_validate(put(value, path, ["school"]))


def test_a_reason_in_writing_tightens(value: dict[str, Any]) -> None:
    path = "lawful_bases/UK-CA89-S47/reason_in_writing"
    wanted, free = put(value, path, True), put(value, path, False)
    loosened, tightened = compare(wanted, free)
    assert loosened[0].endswith("a refusal says why in writing becomes no (yes before).")
    assert tightened == []
    assert compare(free, wanted)[0] == []
