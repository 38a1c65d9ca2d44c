"""The directory: who is who, replayed from public leaves, some of which lie."""

from typing import Any

import pytest

from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.governance.directory import Directory, apply_public_leaf, needed_document
from protocol.messages.bodies import CharterAcceptBody, ReceiptBody
from protocol.messages.kinds import KINDS
from protocol.messages.members import DetailsBody, RenameBody, SealRenewalBody
from protocol.messages.statement import parse_statement
from tests.conftest import Council, key, party_id

AGENCY, OTHER = 0x30, 0x40
RECEIPT = ReceiptBody(request_id="0a" * 16, release="0b" * 32, sealed_hash="0c" * 32)


def replay(council: Council, *leaves: bytes) -> Directory:
    directory = Directory()
    for index, leaf in enumerate(leaves):
        directory = apply_public_leaf(directory, index, leaf, council.documents)
    return directory


def refusal(council: Council, *leaves: bytes) -> RemoteError:
    """What the last leaf is refused with; the ones before it are fine."""
    replay(council, *leaves[:-1])
    with pytest.raises(RemoteError) as caught:
        replay(council, *leaves)
    return caught.value


def founding(council: Council) -> bytes:
    return council.charter_leaf(council.charter())


def verify(
    council: Council, directory: Directory, body: WireModel, by: int, index: int | None = None
) -> None:
    envelope, _ = council.statement(body, party_id(AGENCY), by)
    directory.verify(parse_statement(envelope), index)


def test_a_federation_is_born_and_an_agency_joins(council: Council) -> None:
    leaf = council.member_leaf(AGENCY)
    directory = replay(council, founding(council), leaf)
    assert directory.charter.version == 1
    member = directory.active(party_id(AGENCY))
    assert member is not None
    assert (member.index, member.statement_id) == (1, parse_statement(leaf).id)
    assert member.body.keys.sign == key(AGENCY)
    assert directory.member(party_id(OTHER)) is None


def test_everybody_gets_the_same_directory_from_the_same_leaves(council: Council) -> None:
    leaves = (founding(council), council.member_leaf(AGENCY), council.member_leaf(OTHER))
    assert replay(council, *leaves) == replay(council, *leaves)


def test_keys_by_kind(council: Council) -> None:
    directory = replay(council, founding(council), council.member_leaf(AGENCY))
    for kind in KINDS:
        expected = key(AGENCY + 1) if kind in {"poll", "evaluate"} else key(AGENCY)
        assert directory.key_for(party_id(AGENCY), kind).hex() == expected, kind
        assert directory.key_for(council.hub_id, kind).hex() == key(7)
        assert directory.key_for("d2" * 16, kind).hex() == key(9)
    verify(council, directory, RECEIPT, AGENCY)
    with pytest.raises(RemoteError):
        verify(council, directory, RECEIPT, AGENCY + 1)


def test_a_member_counts_from_the_entry_after_its_own(council: Council) -> None:
    directory = replay(council, founding(council), council.member_leaf(AGENCY))
    assert directory.active(party_id(AGENCY), 1) is None
    assert directory.active(party_id(AGENCY), 2) is not None
    verify(council, directory, RECEIPT, AGENCY, 2)
    with pytest.raises(RemoteError) as caught:
        verify(council, directory, RECEIPT, AGENCY, 1)
    assert caught.value.code is ErrorCode.UNKNOWN_MEMBER


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_suspended_member_signs_nothing_and_what_it_signed_before_stands(
    council: Council, status: str
) -> None:
    directory = replay(
        council,
        founding(council),
        council.member_leaf(AGENCY),
        council.member_leaf(AGENCY, status),
    )
    member = directory.member(party_id(AGENCY))
    assert member is not None
    assert member.body.status == status
    assert directory.active(party_id(AGENCY)) is None
    with pytest.raises(RemoteError) as caught:
        verify(council, directory, RECEIPT, AGENCY)
    assert caught.value.code is ErrorCode.UNKNOWN_MEMBER
    verify(council, directory, RECEIPT, AGENCY, 2)


def test_a_suspended_member_comes_back(council: Council) -> None:
    leaves = [council.member_leaf(AGENCY, status) for status in ("active", "suspended", "active")]
    directory = replay(council, founding(council), *leaves)
    assert directory.active(party_id(AGENCY)) is not None
    assert directory.active(party_id(AGENCY), 3) is None


def test_statements_for_another_federation_or_log_are_refused(council: Council) -> None:
    directory = replay(council, founding(council), council.member_leaf(AGENCY))
    for change in ({"charter_id": "ff" * 16}, {"log_origin": "other.example/log"}):
        envelope, _ = council.statement(RECEIPT, party_id(AGENCY), AGENCY, **change)
        with pytest.raises(RemoteError) as caught:
            directory.verify(parse_statement(envelope))
        assert caught.value.code is ErrorCode.WRONG_CHARTER


def test_a_member_cannot_enrol_a_member(council: Council) -> None:
    own = parse_statement(council.member_leaf(OTHER)).body
    forged, _ = council.statement(own, party_id(AGENCY), AGENCY)
    error = refusal(council, founding(council), council.member_leaf(AGENCY), forged)
    assert error.code is ErrorCode.NOT_ALLOWED


def test_a_membership_in_the_hubs_name_by_another_key_is_refused(council: Council) -> None:
    body = parse_statement(council.member_leaf(AGENCY)).body
    forged, _ = council.statement(body, council.hub_id, AGENCY)
    assert refusal(council, founding(council), forged).code is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    "lie",
    [
        {"keys": {"sign": key(OTHER)}},
        {"keys": {"seal": "5f" * 32}},
        {"keys": {"seal_expires": 1_900_000_000}},
        {"name": "Another name"},
        {"member_class": "auditor"},
        {"control_domain": "Example Council"},
        {"duty_line": "01632 960999"},
        {"duty_hours": "Never"},
        {"party_id": "99" * 16},
    ],
)
def test_the_hub_cannot_change_what_an_agency_applied_with(
    council: Council, lie: dict[str, Any]
) -> None:
    if "keys" in lie:
        own = council.enrolment_value(AGENCY)["keys"]
        lie = {"keys": {**own, **lie["keys"]}}
    error = refusal(council, founding(council), council.member_leaf(AGENCY, **lie))
    assert error.code is ErrorCode.BAD_SIGNATURE


def test_an_enrolment_that_the_agency_did_not_sign_is_refused(council: Council) -> None:
    error = refusal(council, founding(council), council.member_leaf(AGENCY, signed_by=OTHER))
    assert error.code is ErrorCode.BAD_SIGNATURE


def member_with(council: Council, **enrolled: object) -> bytes:
    """A membership whose enrolment, properly signed, says the same unwise things."""
    value = council.enrolment_value(AGENCY, **enrolled)
    enrolment = KINDS["enrolment"].body.model_validate(value)
    envelope, _ = council.statement(enrolment, party_id(AGENCY), AGENCY)
    del value["invitation_hash"]
    value = {**value, "status": "active", "enrolment": to_base64(envelope)}
    return council.by_hub(KINDS["member"].body.model_validate(value))


@pytest.mark.parametrize(
    "keys",
    [
        {"auth": key(AGENCY)},
        {"seal": key(AGENCY)},
        {"seal": key(AGENCY + 1)},
        {"auth": "01" + "00" * 31},
        {"auth": "ff" * 32},
    ],
)
def test_one_key_for_two_uses_or_a_weak_key_is_refused(
    council: Council, keys: dict[str, str]
) -> None:
    own = council.enrolment_value(AGENCY)["keys"]
    error = refusal(council, founding(council), member_with(council, keys={**own, **keys}))
    assert error.code is ErrorCode.WEAK_KEY


def test_a_kind_that_is_never_public_is_refused(council: Council) -> None:
    error = refusal(council, founding(council), council.by_hub(RECEIPT))
    assert error.code is ErrorCode.BAD_TREE


def test_the_first_leaf_must_be_a_charter(council: Council) -> None:
    council.charter()
    assert refusal(council, council.member_leaf(AGENCY)).code is ErrorCode.BAD_TREE


def test_a_charter_whose_document_is_not_at_hand_stops_the_replay(council: Council) -> None:
    leaf = founding(council)
    council.documents.clear()
    assert refusal(council, leaf).code is ErrorCode.NOT_FOUND


def test_a_leaf_says_which_document_it_needs(council: Council) -> None:
    charter = council.charter()
    assert needed_document(council.charter_leaf(charter)) == charter.document_hash
    assert needed_document(council.member_leaf(AGENCY)) is None


def test_another_document_under_the_hash_is_refused(council: Council) -> None:
    charter = council.charter()
    other = council.charter(quorum=1, retention_days=31)
    council.documents[charter.document_hash] = other.encode()
    assert refusal(council, council.charter_leaf(charter)).code is ErrorCode.BAD_TREE


def test_a_leaf_with_another_version_than_its_document_is_refused(council: Council) -> None:
    leaf = council.charter_leaf(council.charter(), version=2)
    assert refusal(council, leaf).code is ErrorCode.BAD_TREE


def test_a_charter_signed_by_another_key_is_refused(council: Council) -> None:
    leaf = founding(council)
    forged, _ = council.statement(parse_statement(leaf).body, council.hub_id, AGENCY)
    assert refusal(council, forged).code is ErrorCode.BAD_SIGNATURE


def test_the_next_charter_is_in_force_from_the_entry_after_its_own(council: Council) -> None:
    first = council.charter()
    second = council.charter(version=2, predecessor=first.document_hash, retention_days=31)
    directory = replay(council, council.charter_leaf(first), council.charter_leaf(second))
    assert directory.charter == second
    assert directory.charter_at(1).charter == first
    assert directory.charter_at(2).charter == second
    with pytest.raises(RemoteError):
        directory.charter_at(0)


def test_a_new_hub_key_is_put_in_force_by_the_old_one(council: Council) -> None:
    first = council.charter()
    hub = {**council.charter_value["hub"], "sign": key(0x50)}
    second = council.charter(version=2, predecessor=first.document_hash, hub=hub)
    leaf = council.charter_leaf(second)
    directory = replay(council, council.charter_leaf(first), leaf)
    assert directory.key_for(council.hub_id, "member").hex() == key(0x50)
    assert directory.key_for(council.hub_id, "member", 1).hex() == key(7)
    by_new_key, _ = council.statement(parse_statement(leaf).body, council.hub_id, 0x50)
    error = refusal(council, council.charter_leaf(first), by_new_key)
    assert error.code is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 3}, ErrorCode.BAD_TREE),
        ({"version": 1}, ErrorCode.BAD_TREE),
        ({"predecessor": "00" * 32}, ErrorCode.BAD_TREE),
        ({"predecessor": None}, ErrorCode.BAD_TREE),
        ({"charter_id": "ff" * 16}, ErrorCode.WRONG_CHARTER),
    ],
)
def test_a_charter_that_does_not_follow_is_refused(
    council: Council, changes: dict[str, object], code: ErrorCode
) -> None:
    first = council.charter()
    following: dict[str, object] = {"version": 2, "predecessor": first.document_hash}
    second = council.charter(**{**following, **changes})
    error = refusal(council, council.charter_leaf(first), council.charter_leaf(second))
    assert error.code is code


def test_an_agency_accepts_the_charter(council: Council) -> None:
    charter = council.charter()
    body = CharterAcceptBody(version=1, document_hash=charter.document_hash)
    accept, _ = council.statement(body, party_id(AGENCY), AGENCY)
    directory = replay(council, council.charter_leaf(charter), council.member_leaf(AGENCY), accept)
    assert directory.accepted == {party_id(AGENCY): 1}
    stranger, _ = council.statement(body, party_id(OTHER), OTHER)
    error = refusal(council, council.charter_leaf(charter), stranger)
    assert error.code is ErrorCode.UNKNOWN_MEMBER


@pytest.mark.parametrize("lie", [{"document_length": 1}, {"predecessor": "00" * 32}])
def test_a_charter_leaf_says_nothing_that_its_document_does_not(
    council: Council, lie: dict[str, object]
) -> None:
    leaf = council.charter_leaf(council.charter(), **lie)
    assert refusal(council, leaf).code is ErrorCode.BAD_TREE


def test_an_enrolment_for_another_federation_is_refused(council: Council) -> None:
    value = council.enrolment_value(AGENCY)
    enrolment = KINDS["enrolment"].body.model_validate(value)
    elsewhere, _ = council.statement(
        enrolment, party_id(AGENCY), AGENCY, charter_id="ff" * 16, log_origin="other.example/log"
    )
    leaf = council.member_leaf(AGENCY, enrolment=to_base64(elsewhere))
    assert refusal(council, founding(council), leaf).code is ErrorCode.WRONG_CHARTER


def test_an_acceptance_of_another_document_counts_for_nothing(council: Council) -> None:
    body = CharterAcceptBody(version=1, document_hash="00" * 32)
    accept, _ = council.statement(body, party_id(AGENCY), AGENCY)
    directory = replay(council, founding(council), council.member_leaf(AGENCY), accept)
    assert directory.accepted == {}


def test_the_first_charter_has_version_1_and_no_predecessor(council: Council) -> None:
    leaf = council.charter_leaf(council.charter(version=2, predecessor="00" * 32))
    assert refusal(council, leaf).code is ErrorCode.BAD_TREE


SEAL, NEXT = "5e" * 32, "6e" * 32
DETAILS: dict[str, Any] = {
    "sequence": 1, "name": None, "duty_line": "01632 960009", "duty_hours": None,
}  # fmt: skip


def said(
    council: Council, body: WireModel, by: int = AGENCY, sender: int = AGENCY, **change: object
) -> bytes:
    """A member's own word, or what somebody passes off as it."""
    return council.statement(body, party_id(sender), by, **change)[0]


def renewal(**change: object) -> SealRenewalBody:
    value = {"replaces": SEAL, "seal": NEXT, "seal_expires": 1_900_000_000, **change}
    return SealRenewalBody.model_validate(value)


def details(**change: object) -> DetailsBody:
    return DetailsBody.model_validate({**DETAILS, **change})


def test_a_renewal_changes_the_seal_key_and_nothing_else(council: Council) -> None:
    member = council.member_leaf(AGENCY)
    directory = replay(council, founding(council), member, said(council, renewal()))
    before, after = directory.members[party_id(AGENCY)]
    held = {**before.body.keys.model_dump(), "seal": NEXT, "seal_expires": 1_900_000_000}
    assert after.body.model_dump() == {**before.body.model_dump(), "keys": held}
    assert after.statement_id == before.statement_id, "what pins the membership stays right"
    old = directory.member(party_id(AGENCY), 2)
    assert old is not None
    assert old.body.keys.seal == SEAL, "it counts from the entry after its own"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (renewal(replaces=NEXT), ErrorCode.CONFLICT),
        (renewal(seal=SEAL), ErrorCode.WEAK_KEY),
        (renewal(seal=key(AGENCY)), ErrorCode.WEAK_KEY),
        (renewal(seal="00" * 32), ErrorCode.WEAK_KEY),
        (renewal(seal_expires=1_790_000_000), ErrorCode.EXPIRED),
        (details(duty_line=None), ErrorCode.CONFLICT),
        (details(duty_line="01632 960001"), ErrorCode.CONFLICT),
        (details(name=f"Agency {OTHER}"), ErrorCode.CONFLICT),
        (details(name=f"Agency {AGENCY}", duty_line=None), ErrorCode.CONFLICT),
    ],
)
def test_a_word_of_a_member_that_does_not_follow_is_refused(
    council: Council, body: WireModel, code: ErrorCode
) -> None:
    members = (council.member_leaf(AGENCY), council.member_leaf(OTHER))
    assert refusal(council, founding(council), *members, said(council, body)).code is code


@pytest.mark.parametrize("body", [renewal(), details()])
@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"by": 7}, ErrorCode.BAD_SIGNATURE),
        ({"by": AGENCY + 1}, ErrorCode.BAD_SIGNATURE),
        ({"by": OTHER}, ErrorCode.BAD_SIGNATURE),
        ({"sender": 0x50, "by": 0x50}, ErrorCode.UNKNOWN_MEMBER),
        ({"log_origin": "other.example/log"}, ErrorCode.WRONG_CHARTER),
        ({"aud": party_id(OTHER)}, ErrorCode.WRONG_RECIPIENT),
    ],
)
def test_nobody_else_speaks_for_a_member(
    council: Council, body: WireModel, lie: dict[str, Any], code: ErrorCode
) -> None:
    members = (council.member_leaf(AGENCY), council.member_leaf(OTHER))
    forged = said(council, body, **lie)
    assert refusal(council, founding(council), *members, forged).code is code


@pytest.mark.parametrize("body", [renewal(), details()])
def test_the_hub_and_who_is_suspended_have_no_word_of_this_kind(
    council: Council, body: WireModel
) -> None:
    leaves = (founding(council), council.member_leaf(AGENCY))
    assert refusal(council, *leaves, council.by_hub(body)).code is ErrorCode.NOT_ALLOWED
    suspended = (*leaves, council.member_leaf(AGENCY, "suspended"))
    assert refusal(council, *suspended, said(council, body)).code is ErrorCode.UNKNOWN_MEMBER


def test_neither_a_renewal_nor_details_can_be_shown_again(council: Council) -> None:
    members = (founding(council), council.member_leaf(AGENCY))
    first, second = said(council, renewal()), said(council, renewal(replaces=NEXT, seal="7e" * 32))
    assert refusal(council, *members, first, second, first).code is ErrorCode.CONFLICT
    first, second = (
        said(council, details()), said(council, details(sequence=2, duty_line="01632 960008"))
    )  # fmt: skip
    assert refusal(council, *members, first, second, first).code is ErrorCode.CONFLICT


def test_a_status_keeps_what_was_renewed_and_said(council: Council) -> None:
    leaves = [founding(council), council.member_leaf(AGENCY)]
    leaves += [said(council, renewal()), said(council, details())]
    now = replay(council, *leaves).members[party_id(AGENCY)][-1].body
    as_it_is: dict[str, Any] = {"keys": now.keys.model_dump(), "duty_line": now.duty_line}
    back = council.member_leaf(AGENCY, "suspended", **as_it_is)
    directory = replay(council, *leaves, back)
    member = directory.member(party_id(AGENCY))
    assert member is not None
    assert (member.body.keys.seal, member.body.duty_line) == (NEXT, "01632 960009")
    assert member.details == 1
    old = council.member_leaf(AGENCY, "suspended")
    assert refusal(council, *leaves, old).code is ErrorCode.NOT_ALLOWED, "nor does the hub undo it"


def test_the_operator_renames_whoever_is_not_revoked(council: Council) -> None:
    leaves = (founding(council), council.member_leaf(AGENCY), council.member_leaf(OTHER))
    named = RenameBody(party_id=party_id(AGENCY), name="Another name")
    member = replay(council, *leaves, council.by_hub(named)).active(party_id(AGENCY))
    assert member is not None
    assert member.body.name == "Another name"
    taken = RenameBody(party_id=party_id(AGENCY), name=f"Agency {OTHER}")
    assert refusal(council, *leaves, council.by_hub(taken)).code is ErrorCode.CONFLICT
    gone = council.member_leaf(AGENCY, "revoked")
    assert refusal(council, *leaves, gone, council.by_hub(named)).code is ErrorCode.NOT_ALLOWED
    nobody = RenameBody(party_id="ab" * 16, name="Another name")
    assert refusal(council, *leaves, council.by_hub(nobody)).code is ErrorCode.NOT_ALLOWED
    free = RenameBody(party_id=party_id(OTHER), name=f"Agency {AGENCY}")
    replay(council, *leaves, gone, council.by_hub(free))
