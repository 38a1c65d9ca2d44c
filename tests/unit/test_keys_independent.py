"""An independent VOPRF (PyPI voprf, in Rust) and ours are one protocol.

Covered: its server evaluates our blinded points, alone and in batches, and our code verifies its
proofs and finalises to its outputs; its client blinds, and verifies and finalises what our whole
key, and each holder of our quorum (against lambda_j * K_j), answer; it refuses what we spoil; its
key derivation, its direct evaluation and its encodings agree with ours. Not covered, because its
API has no way in: fixed blinds or nonces, and a key that was not derived from a seed; nor how its
client refuses a spoilt batch, because its `finalize_batch` panics there (`finalize` raises).
"""

import hashlib
from itertools import combinations, count

import pytest
from voprf import ristretto as rust

from keys.dleq import parse_proof, prove, verify_proof
from keys.fallback import FallbackGroup
from keys.group import Group, RandomBytes, SecretScalar
from keys.oprf import blind, blind_evaluate, derive_key, finalise
from keys.sodium import load_sodium
from keys.threshold import KeyShare, combine, make_quorum, partial_evaluate, verify_partial
from protocol.errors import RemoteError
from protocol.tokens import split_output, token_input

GROUPS: list[Group] = [load_sodium(), FallbackGroup()]
ORDER = 2**252 + 27742317777372353535851937790883648493
SEED, INFO = bytes(range(32)), b"patchwork test key"
INPUTS = [token_input("0f" * 16, 3, "name_pc.1", value) for value in ("one", "two", "three")]
BLINDS = [SecretScalar(5**100), SecretScalar(7**80), SecretScalar(11**70)]
NONCE = SecretScalar(13**60)


@pytest.fixture(params=GROUPS, ids=lambda group: group.name)
def group(request: pytest.FixtureRequest) -> Group:
    chosen: Group = request.param
    return chosen


@pytest.fixture
def server() -> rust.Evaluator:
    return rust.Evaluator.from_seed(SEED, INFO)


def stream(label: str) -> RandomBytes:
    """Random bytes that are the same in every run."""
    ticks = count()
    return lambda length: hashlib.shake_256(f"{label} {next(ticks)}".encode()).digest(length)


def their_clients() -> tuple[list[rust.Client], list[bytes]]:
    """One of its clients for each input, with the blinded bytes it would send."""
    pairs = [rust.Client.blind(data) for data in INPUTS]
    return [client for client, _ in pairs], [point.serialize() for _, point in pairs]


def their_answer(proof: bytes, elements: list[bytes]) -> rust.VerifiableBatchOutput:
    """Its wire form: the proof, then the elements."""
    return rust.VerifiableBatchOutput.deserialize(proof + b"".join(elements))


def test_both_derive_the_same_key(group: Group, server: rust.Evaluator) -> None:
    key = derive_key(SEED, INFO)
    assert group.multiply_base(key.value) == server.public_key.serialize()


def test_its_server_evaluates_our_batch_and_we_verify_it(
    group: Group, server: rust.Evaluator
) -> None:
    points = blind(group, INPUTS, BLINDS)
    messages = [rust.BlindedInput.deserialize(point) for point in points]
    answer = bytes(server.evaluate_batch(messages).serialize())
    evaluated = [answer[at : at + 32] for at in range(64, len(answer), 32)]
    public = server.public_key.serialize()
    verify_proof(group, public, points, evaluated, parse_proof(answer[:64]))
    expected = [server.evaluate_known_input(data) for data in INPUTS]
    assert finalise(group, INPUTS, BLINDS, evaluated) == expected
    with pytest.raises(RemoteError):
        verify_proof(group, public, points, evaluated[::-1], parse_proof(answer[:64]))


def test_its_server_evaluates_our_single_point_and_we_verify_it(
    group: Group, server: rust.Evaluator
) -> None:
    (point,) = blind(group, INPUTS[:1], BLINDS[:1])
    answer = bytes(server.evaluate(rust.BlindedInput.deserialize(point)).serialize())
    public = server.public_key.serialize()
    verify_proof(group, public, [point], [answer[64:]], parse_proof(answer[:64]))
    output = server.evaluate_known_input(INPUTS[0])
    assert finalise(group, INPUTS[:1], BLINDS[:1], [answer[64:]]) == [output]
    assert split_output(output) == (output[:16], output[32:])


def test_its_clients_verify_and_finalise_what_our_whole_key_answers(
    group: Group, server: rust.Evaluator
) -> None:
    clients, points = their_clients()
    key = derive_key(SEED, INFO)
    evaluated = blind_evaluate(group, key, points)
    proof = prove(group, key, points, evaluated, NONCE).to_bytes()
    outputs = rust.Client.finalize_batch(clients, their_answer(proof, evaluated), server.public_key)
    assert outputs == [server.evaluate_known_input(data) for data in INPUTS]


def test_its_client_refuses_our_answer_to_another_client(
    group: Group, server: rust.Evaluator
) -> None:
    clients, points = their_clients()
    key = derive_key(SEED, INFO)
    evaluated = blind_evaluate(group, key, points[:1])
    proof = prove(group, key, points[:1], evaluated, NONCE).to_bytes()
    answer = rust.VerifiableOutput.deserialize(proof + evaluated[0])
    assert clients[0].finalize(answer, server.public_key)
    with pytest.raises(ValueError, match="invalid proof"):
        clients[1].finalize(answer, server.public_key)


@pytest.mark.parametrize("indices", list(combinations((1, 2, 3), 2)))
def test_its_clients_verify_each_holder_and_the_quorum_gives_its_output(
    group: Group, server: rust.Evaluator, indices: tuple[int, int]
) -> None:
    key = derive_key(SEED, INFO).value
    shares = {at: (key + 17**55 * at) % ORDER for at in (1, 2, 3)}
    quorum = make_quorum(indices, 3, 2)
    clients, points = their_clients()
    answers = []
    for at in indices:
        share = KeyShare(at, SecretScalar(shares[at]))
        answer = partial_evaluate(group, share, quorum, points, stream(f"holder {at}"))
        commitment = group.multiply_base(shares[at])
        verify_partial(group, commitment, quorum, points, answer)
        # The line through (i, .) and (j, .) at zero weighs i by j / (j - i).
        (other,) = set(indices) - {at}
        weight = other * pow(other - at, -1, ORDER) % ORDER
        public = rust.PublicKey.deserialize(group.multiply(weight, commitment))
        theirs = their_answer(answer.proof.to_bytes(), list(answer.elements))
        assert len(rust.Client.finalize_batch(clients, theirs, public)) == len(INPUTS)
        answers.append(answer)
    combined = combine(group, quorum, answers)
    proof = prove(group, SecretScalar(key), points, combined, NONCE).to_bytes()
    outputs = rust.Client.finalize_batch(clients, their_answer(proof, combined), server.public_key)
    assert outputs == [server.evaluate_known_input(data) for data in INPUTS]


def test_its_client_refuses_a_holder_with_another_share(group: Group) -> None:
    quorum = make_quorum([1, 2], 3, 2)
    client, point = rust.Client.blind(INPUTS[0])
    share = KeyShare(1, SecretScalar(99))
    answer = partial_evaluate(group, share, quorum, [point.serialize()], stream("a cheat"))
    theirs = rust.VerifiableOutput.deserialize(answer.proof.to_bytes() + answer.elements[0])
    # The weight of holder 1 in the quorum of 1 and 2 is 2.
    promised, kept = (group.multiply_base(2 * share) for share in (98, 99))
    assert client.finalize(theirs, rust.PublicKey.deserialize(kept))
    with pytest.raises(ValueError, match="invalid proof"):
        client.finalize(theirs, rust.PublicKey.deserialize(promised))


@pytest.mark.parametrize("data", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, bytes(31)])
def test_both_refuse_the_same_elements(group: Group, data: bytes) -> None:
    assert not group.is_valid(data)
    with pytest.raises(ValueError, match="invalid"):
        rust.BlindedInput.deserialize(data)
