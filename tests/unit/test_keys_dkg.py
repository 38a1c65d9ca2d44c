"""Distributed key generation: what everybody checks, and how a cheat is named."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from keys.dkg import (
    Ceremony,
    Deal,
    assemble,
    deal,
    group_key,
    verify_deal,
    verify_share,
)
from keys.dleq import Proof
from keys.fallback import FallbackGroup
from keys.group import IDENTITY, Group, RandomBytes, SecretScalar
from keys.sodium import load_sodium
from keys.transcript import (
    deal_value,
    make_transcript,
    parse_deal,
    parse_transcript,
    transcript_value,
)
from protocol.canonical import JsonValue, encode, parse
from protocol.errors import ErrorCode, LocalError, RemoteError

GROUPS: list[Group] = [load_sodium(), FallbackGroup()]
ORDER = 2**252 + 27742317777372353535851937790883648493
CHARTER = "000102030405060708090a0b0c0d0e0f"
CEREMONY = Ceremony(CHARTER, 1, holders=3, threshold=2)
IDS = ["north-council", "health-trust", "police"]
GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def stream(label: str) -> RandomBytes:
    """Random bytes that are the same in every run."""
    ticks = count()
    return lambda length: hashlib.shake_256(f"{label} {next(ticks)}".encode()).digest(length)


def draws(*terms: int) -> RandomBytes:
    """A random source that makes a dealer deal this polynomial, lowest term first."""
    left = [bytes(32), *(term.to_bytes(64, "little") for term in reversed(terms))]
    return lambda _length: left.pop()


class Room:
    """Three holders, each with its public deal on the table and its secret shares handed out."""

    def __init__(self, group: Group) -> None:
        self.group = group
        hands = [deal(group, CEREMONY, index, stream(f"holder {index}")) for index in (1, 2, 3)]
        self.deals = [public for public, _ in hands]
        self.dealt = {public.index: shares for public, shares in hands}

    def shares_for(self, index: int) -> dict[int, SecretScalar]:
        return {dealer: shares[index] for dealer, shares in self.dealt.items()}


@pytest.fixture(params=GROUPS, ids=lambda group: group.name)
def room(request: pytest.FixtureRequest) -> Room:
    return Room(request.param)


class TestHonestCeremony:
    def test_everybody_computes_the_same_key_and_commitments(self, room: Room) -> None:
        results = [
            assemble(room.group, CEREMONY, index, room.deals, room.shares_for(index))
            for index in (1, 2, 3)
        ]
        keys = {key for _, key in results}
        assert keys == {group_key(room.group, CEREMONY, room.deals[::-1])}
        for share, key in results:
            assert room.group.multiply_base(share.secret.value) == key.commitment(share.index)

    def test_two_shares_are_the_key_and_the_key_is_the_sum_of_the_constant_terms(
        self, room: Room
    ) -> None:
        shares = [
            assemble(room.group, CEREMONY, index, room.deals, room.shares_for(index))[0]
            for index in (1, 2, 3)
        ]
        first, second, third = (share.secret.value for share in shares)
        # A straight line through 1 and 2, or 2 and 3, at zero.
        key = (2 * first - second) % ORDER
        assert key == (3 * second - 2 * third) % ORDER
        total = room.group.add(room.deals[0].commitments[0], room.deals[1].commitments[0])
        total = room.group.add(total, room.deals[2].commitments[0])
        assert room.group.multiply_base(key) == total
        assert group_key(room.group, CEREMONY, room.deals).public_key == total

    def test_one_share_says_nothing_about_the_key(self, room: Room) -> None:
        share, key = assemble(room.group, CEREMONY, 1, room.deals, room.shares_for(1))
        assert room.group.multiply_base(share.secret.value) != key.public_key

    def test_secrets_do_not_show(self, room: Room) -> None:
        shown = repr(room.dealt) + repr(room.deals)
        for shares in room.dealt.values():
            for share in shares.values():
                assert str(share.value) not in shown

    def test_another_draw_is_another_key(self, room: Room) -> None:
        again, _ = deal(room.group, CEREMONY, 1, stream("another day"))
        other = [again, *room.deals[1:]]
        before = group_key(room.group, CEREMONY, room.deals)
        assert group_key(room.group, CEREMONY, other).public_key != before.public_key


class TestCheatingDealers:
    def test_a_wrong_share_names_the_dealer_and_the_receiver(self, room: Room) -> None:
        shares = room.shares_for(3)
        shares[2] = SecretScalar((shares[2].value + 1) % ORDER)
        with pytest.raises(RemoteError, match="key holder 2 dealt key holder 3 a wrong") as caught:
            assemble(room.group, CEREMONY, 3, room.deals, shares)
        assert caught.value.code == ErrorCode.BAD_SHARE

    def test_a_share_meant_for_somebody_else_does_not_fit(self, room: Room) -> None:
        with pytest.raises(RemoteError, match="key holder 1 dealt key holder 2 a wrong share"):
            verify_share(room.group, room.deals[0], 2, room.dealt[1][3])

    def test_errors_of_two_dealers_that_cancel_out_are_found(self, room: Room) -> None:
        shares = room.shares_for(1)
        shares[2] = SecretScalar((shares[2].value + 5) % ORDER)
        shares[3] = SecretScalar((shares[3].value - 5) % ORDER)
        with pytest.raises(RemoteError, match="key holder 2"):
            assemble(room.group, CEREMONY, 1, room.deals, shares)

    def test_a_dealer_cannot_cancel_the_others_out(self, room: Room) -> None:
        """The rogue-key attack: choose a commitment that makes the sum a key the dealer knows."""
        known = room.group.multiply_base(12345)
        others = room.group.add(room.deals[0].commitments[0], room.deals[1].commitments[0])
        rogue = room.group.subtract(known, others)
        third = replace(room.deals[2], commitments=(rogue, room.deals[2].commitments[1]))
        with pytest.raises(RemoteError, match="key holder 3 does not prove") as caught:
            group_key(room.group, CEREMONY, [*room.deals[:2], third])
        assert caught.value.code == ErrorCode.BAD_PROOF

    def test_a_dealer_cannot_copy_another_dealer(self, room: Room) -> None:
        copied = replace(room.deals[0], index=3)
        with pytest.raises(RemoteError, match="key holder 3 does not prove"):
            verify_deal(room.group, CEREMONY, copied)

    @pytest.mark.parametrize(
        "polynomials",
        [
            ((5, 6), (7, 8), (ORDER - 12, 9)),
            ((5, 6), (7, 8), (3, ORDER - 14)),
            ((1, 6), (1, 8), (2, ORDER - 18)),
        ],
        ids=["the key", "the degree", "the share of holder 1"],
    )
    def test_deals_that_cancel_out_are_refused(
        self, room: Room, polynomials: tuple[tuple[int, int], ...]
    ) -> None:
        deals = []
        for index, polynomial in enumerate(polynomials, start=1):
            deals.append(deal(room.group, CEREMONY, index, draws(*polynomial))[0])
        with pytest.raises(RemoteError, match="cancel out"):
            group_key(room.group, CEREMONY, deals)

    @pytest.mark.parametrize(
        "other",
        [
            replace(CEREMONY, charter_id="f" * 32),
            replace(CEREMONY, epoch=2),
            replace(CEREMONY, holders=4),
        ],
        ids=["charter", "epoch", "holders"],
    )
    def test_a_deal_of_another_ceremony_does_not_fit(self, room: Room, other: Ceremony) -> None:
        with pytest.raises(RemoteError) as caught:
            verify_deal(room.group, other, room.deals[0])
        assert caught.value.code == ErrorCode.BAD_PROOF

    def test_a_changed_higher_commitment_breaks_the_proof(self, room: Room) -> None:
        first = room.deals[0]
        changed = replace(first, commitments=(first.commitments[0], GENERATOR))
        with pytest.raises(RemoteError, match="key holder 1 does not prove"):
            verify_deal(room.group, CEREMONY, changed)

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda made: made[:1], "wrong degree"),
            (lambda made: (*made, GENERATOR), "wrong degree"),
            (lambda made: (), "wrong degree"),
            (lambda made: (made[0], IDENTITY), "not valid"),
            (lambda made: (IDENTITY, made[1]), "not valid"),
            (lambda made: (made[0], b"\x01" + bytes(31)), "not valid"),
            (lambda made: (made[0], b"short"), "not valid"),
        ],
        ids=["short", "long", "none", "leading identity", "identity", "not canonical", "31 bytes"],
    )
    def test_a_polynomial_of_another_shape_is_refused(
        self,
        room: Room,
        spoil: Callable[[tuple[bytes, ...]], tuple[bytes, ...]],
        said: str,
    ) -> None:
        spoilt = replace(room.deals[1], commitments=spoil(room.deals[1].commitments))
        with pytest.raises(RemoteError, match=f"key holder 2 .*{said}") as caught:
            group_key(room.group, CEREMONY, [room.deals[0], spoilt, room.deals[2]])
        assert caught.value.code == ErrorCode.BAD_SHARE

    def test_a_proof_of_possession_with_a_changed_scalar_is_refused(self, room: Room) -> None:
        proof = room.deals[0].proof
        for changed in (
            Proof((proof.challenge + 1) % ORDER, proof.response),
            Proof(proof.challenge, (proof.response + 1) % ORDER),
            Proof(0, 0),
        ):
            with pytest.raises(RemoteError, match="key holder 1"):
                verify_deal(room.group, CEREMONY, replace(room.deals[0], proof=changed))


class TestWhoDealt:
    def test_a_missing_dealer_is_named(self, room: Room) -> None:
        with pytest.raises(RemoteError, match="key holder 2 did not deal"):
            group_key(room.group, CEREMONY, [room.deals[0], room.deals[2]])

    def test_a_dealer_who_deals_twice_is_named(self, room: Room) -> None:
        with pytest.raises(RemoteError, match="key holder 2 dealt more than once"):
            group_key(room.group, CEREMONY, [*room.deals, room.deals[1]])

    def test_a_dealer_nobody_named_is_refused(self, room: Room) -> None:
        stranger = replace(room.deals[0], index=4)
        with pytest.raises(RemoteError, match="not a key holder"):
            group_key(room.group, CEREMONY, [*room.deals, stranger])
        with pytest.raises(RemoteError, match="key holder 4"):
            verify_deal(room.group, CEREMONY, stranger)

    def test_a_share_that_did_not_arrive_names_its_dealer(self, room: Room) -> None:
        shares = room.shares_for(1)
        del shares[3]
        with pytest.raises(RemoteError, match="key holder 3 did not deal"):
            assemble(room.group, CEREMONY, 1, room.deals, shares)

    def test_a_holder_outside_the_ceremony_cannot_deal(self, room: Room) -> None:
        for index in (0, 4):
            with pytest.raises(LocalError):
                deal(room.group, CEREMONY, index, stream("outsider"))
            with pytest.raises(LocalError):
                assemble(room.group, CEREMONY, index, room.deals, room.shares_for(1))


class TestTerms:
    @pytest.mark.parametrize(
        ("holders", "threshold"), [(3, 1), (3, 0), (3, 4), (17, 2), (0, 0), (1, 1)]
    )
    def test_a_key_that_would_be_whole_somewhere_cannot_be_born(
        self, holders: int, threshold: int
    ) -> None:
        with pytest.raises(LocalError):
            Ceremony(CHARTER, 1, holders, threshold)

    @pytest.mark.parametrize("charter_id", ["", CHARTER[:-1], CHARTER.upper(), CHARTER + "\n"])
    def test_the_charter_is_32_lower_case_hex_digits(self, charter_id: str) -> None:
        with pytest.raises(LocalError):
            Ceremony(charter_id, 1, 3, 2)

    @pytest.mark.parametrize("epoch", [-1, 2**40 + 1])
    def test_the_epoch_has_limits(self, epoch: int) -> None:
        with pytest.raises(LocalError):
            Ceremony(CHARTER, epoch, 3, 2)


class TestTranscript:
    def test_it_survives_canonical_json(self, room: Room) -> None:
        made = make_transcript(room.group, CEREMONY, IDS, room.deals[::-1])
        data = encode(transcript_value(made))
        assert parse_transcript(room.group, parse(data, limit=1 << 16)) == made

    def test_a_deal_survives_canonical_json(self, room: Room) -> None:
        data = encode(deal_value(room.deals[1]))
        assert parse_deal(parse(data, limit=1 << 16)) == room.deals[1]

    @pytest.mark.parametrize("ids", [IDS[:2], [*IDS, "fourth"], ["police"] * 3])
    def test_ids_are_one_different_id_a_holder(self, room: Room, ids: list[str]) -> None:
        with pytest.raises(LocalError):
            make_transcript(room.group, CEREMONY, ids, room.deals)

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("index", 0, ErrorCode.MALFORMED),
            ("index", 17, ErrorCode.MALFORMED),
            ("index", True, ErrorCode.MALFORMED),
            ("index", "1", ErrorCode.MALFORMED),
            ("commitments", [], ErrorCode.MALFORMED),
            ("commitments", ["00" * 32] * 17, ErrorCode.MALFORMED),
            ("commitments", ["00" * 31], ErrorCode.MALFORMED),
            ("commitments", ["AA" * 32], ErrorCode.MALFORMED),
            ("commitments", ["00" * 31 + "0\n"], ErrorCode.MALFORMED),
            ("commitments", "00" * 32, ErrorCode.MALFORMED),
            ("proof", "00" * 63, ErrorCode.MALFORMED),
            ("proof", "ff" * 64, ErrorCode.BAD_SCALAR),
            ("proof", None, ErrorCode.MALFORMED),
            ("surname", "Garcia", ErrorCode.UNKNOWN_FIELD),
        ],
    )
    def test_a_deal_in_another_form_is_refused(
        self, room: Room, field: str, value: JsonValue, code: ErrorCode
    ) -> None:
        with pytest.raises(RemoteError) as caught:
            parse_deal(deal_value(room.deals[0]) | {field: value})
        assert caught.value.code == code
        assert "surname" not in str(caught.value)

    @pytest.mark.parametrize("holder_id", ["", "Police", "a b", "a" * 65, "-x", "a\n", "żółw"])
    def test_a_holder_id_is_a_short_plain_word(self, room: Room, holder_id: str) -> None:
        made = make_transcript(room.group, CEREMONY, [holder_id, *IDS[1:]], room.deals)
        with pytest.raises(RemoteError) as caught:
            parse_transcript(room.group, transcript_value(made))
        assert caught.value.code == ErrorCode.MALFORMED

    def test_there_is_no_commitment_of_holder_nought(self, room: Room) -> None:
        key = group_key(room.group, CEREMONY, room.deals)
        for index in (0, -1, 4):
            with pytest.raises(LocalError):
                key.commitment(index)


def test_a_deal_is_public_and_comparable() -> None:
    one, two = Room(GROUPS[0]), Room(GROUPS[1])
    assert isinstance(one.deals[0], Deal)
    assert one.deals == two.deals
    assert one.dealt == two.dealt
