"""specs/vectors: RFC 9497's own vectors and ours, on both groups, and the spec's worked example.

tokens.json was made with another VOPRF (Rust) and another HKDF; see its `source`.
"""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from keys.batch import unpack_points
from keys.dleq import Proof, parse_proof, prove, verify_proof
from keys.fallback import FallbackGroup
from keys.group import Group, SecretScalar, parse_element, parse_scalar
from keys.oprf import Mode, blind, blind_evaluate, derive_key, finalise
from keys.sodium import load_sodium
from keys.threshold import (
    KeyShare,
    PartialEvaluation,
    combine,
    make_quorum,
    partial_evaluate,
    verify_partial,
)
from keys.transcript import parse_transcript, transcript_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.tokens import link_key, link_proof, split_output, token_input, verify_link_proof

SPECS = Path(__file__).parents[2] / "specs"
OURS: dict[str, Any] = json.loads((SPECS / "vectors/tokens.json").read_text("utf-8"))
RFC: dict[str, Any] = json.loads(
    (SPECS / "vectors/rfc9497-ristretto255-sha512.json").read_text("utf-8")
)
SPEC_TEXT = (SPECS / "03-tokens.md").read_text("utf-8")
RFC_CASES = [(suite, case) for suite in RFC["suites"] for case in suite["vectors"]]
GROUPS: list[Group] = [load_sodium(), FallbackGroup()]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.fixture(params=GROUPS, ids=lambda group: group.name)
def group(request: pytest.FixtureRequest) -> Group:
    chosen: Group = request.param
    return chosen


def unhex(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


def secret(data: bytes) -> SecretScalar:
    return SecretScalar(int.from_bytes(data, "little"))


def why(case: dict[str, Any]) -> str:
    return str(case["why"])


def constant(number: int) -> bytes:
    return bytes(number)


class TestRfc9497:
    @pytest.mark.parametrize("suite", RFC["suites"], ids=lambda suite: f"mode {suite['mode']}")
    def test_the_seed_gives_the_key(self, suite: dict[str, Any], group: Group) -> None:
        (seed, info) = bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"])
        key = derive_key(seed, info, Mode(suite["mode"]))
        assert key.to_bytes().hex() == suite["skSm"]
        if "pkSm" in suite:
            assert group.multiply_base(key.value).hex() == suite["pkSm"]

    @pytest.mark.parametrize(("suite", "case"), RFC_CASES)
    def test_blinding_evaluating_and_finalising_give_its_bytes(
        self, suite: dict[str, Any], case: dict[str, Any], group: Group
    ) -> None:
        inputs, key = unhex(case["Input"]), secret(bytes.fromhex(suite["skSm"]))
        blinds = [secret(data) for data in unhex(case["Blind"])]
        points = blind(group, inputs, blinds, Mode(suite["mode"]))
        assert points == unhex(case["BlindedElement"])
        evaluated = blind_evaluate(group, key, points)
        assert evaluated == unhex(case["EvaluationElement"])
        assert finalise(group, inputs, blinds, evaluated) == unhex(case["Output"])

    @pytest.mark.parametrize("case", RFC["suites"][1]["vectors"])
    def test_the_batched_proof_has_its_bytes_and_verifies(
        self, case: dict[str, Any], group: Group
    ) -> None:
        suite = RFC["suites"][1]
        points, evaluated = unhex(case["BlindedElement"]), unhex(case["EvaluationElement"])
        nonce = secret(bytes.fromhex(case["Proof"]["r"]))
        key = secret(bytes.fromhex(suite["skSm"]))
        proof = prove(group, key, points, evaluated, nonce)
        assert proof.to_bytes().hex() == case["Proof"]["proof"]
        verify_proof(group, bytes.fromhex(suite["pkSm"]), points, evaluated, proof)

    @pytest.mark.parametrize("quorum", list(combinations((1, 2, 3, 4, 5), 3)))
    def test_its_key_in_five_shares_gives_its_output_by_every_quorum_of_three(
        self, quorum: tuple[int, ...], group: Group
    ) -> None:
        suite = RFC["suites"][1]
        case = suite["vectors"][2]
        key = int.from_bytes(bytes.fromhex(suite["skSm"]), "little")
        shares = {at: (key + 7**80 * at + 11**70 * at * at) % ORDER for at in range(1, 6)}
        chosen = make_quorum(quorum, 5, 3)
        points = unhex(case["BlindedElement"])
        partials = [
            partial_evaluate(
                group, KeyShare(at, SecretScalar(shares[at])), chosen, points, constant
            )
            for at in quorum
        ]
        for partial in partials:
            commitment = group.multiply_base(shares[partial.index])
            verify_partial(group, commitment, chosen, points, partial)
        combined = combine(group, chosen, partials)
        assert combined == unhex(case["EvaluationElement"])
        blinds = [secret(data) for data in unhex(case["Blind"])]
        assert finalise(group, unhex(case["Input"]), blinds, combined) == unhex(case["Output"])


class TestTokens:
    @pytest.mark.parametrize("case", OURS["tokens"])
    def test_input_bytes(self, case: dict[str, Any]) -> None:
        fields = (case["charter_id"], case["epoch"], case["match_key_id"], case["value"])
        assert token_input(*fields).hex() == case["input"]

    @pytest.mark.parametrize("case", OURS["tokens"])
    def test_token_and_link_secret(self, case: dict[str, Any], group: Group) -> None:
        data, blinds = bytes.fromhex(case["input"]), [SecretScalar(12345)]
        key = secret(bytes.fromhex(OURS["key"]["secret_key"]))
        evaluated = blind_evaluate(group, key, blind(group, [data], blinds))
        (output,) = finalise(group, [data], blinds, evaluated)
        assert output.hex() == case["output"]
        token, link_secret = split_output(output)
        assert (token.hex(), link_secret.hex()) == (case["token"], case["link_secret"])

    @pytest.mark.parametrize("case", OURS["tokens"])
    def test_link_proof(self, case: dict[str, Any]) -> None:
        link_secret = bytes.fromhex(case["link_secret"])
        scope = (case["charter_id"], case["epoch"], case["match_key_id"])
        assert link_key(link_secret, *scope).hex() == case["link_key"]
        proof = link_proof(link_secret, *scope, case["request_id"])
        assert proof.hex() == case["link_proof"]
        verify_link_proof(proof, bytes.fromhex(case["link_key"]), case["request_id"])

    @pytest.mark.parametrize("case", OURS["invalid_inputs"], ids=why)
    def test_invalid_inputs_have_no_token(self, case: dict[str, Any]) -> None:
        with pytest.raises(LocalError):
            token_input(case["charter_id"], case["epoch"], case["match_key_id"], case["value"])

    def test_the_worked_example_of_the_spec_is_the_first_vector(self) -> None:
        example = SPEC_TEXT[: SPEC_TEXT.index("## 1")]
        shown = dict(re.findall(r"^    (\w+) +(\S+)$", example, re.MULTILINE))
        first, key = OURS["tokens"][0], OURS["key"]
        expected = {name: str(value) for name, value in first.items()}
        expected["k"], expected["public_key"] = key["secret_key"], key["public_key"]
        del expected["link_key"]
        assert shown == expected


class TestElementsAndScalars:
    def test_multiples_of_the_generator(self, group: Group) -> None:
        for number, expected in enumerate(OURS["generator_multiples"], start=1):
            assert group.multiply_base(number).hex() == expected
            assert parse_element(group, bytes.fromhex(expected)).hex() == expected

    @pytest.mark.parametrize("case", OURS["invalid_elements"], ids=why)
    def test_invalid_elements_are_refused(self, case: dict[str, Any], group: Group) -> None:
        with pytest.raises(RemoteError) as caught:
            parse_element(group, bytes.fromhex(case["element"]))
        assert caught.value.code == ErrorCode.BAD_POINT

    def test_valid_scalars(self) -> None:
        parsed = [parse_scalar(bytes.fromhex(text)) for text in OURS["valid_scalars"]]
        assert parsed == [0, 1, ORDER - 1]

    @pytest.mark.parametrize("case", OURS["invalid_scalars"], ids=why)
    def test_invalid_scalars_are_refused(self, case: dict[str, Any]) -> None:
        with pytest.raises(RemoteError) as caught:
            parse_scalar(bytes.fromhex(case["scalar"]))
        assert caught.value.code == ErrorCode.BAD_SCALAR

    @pytest.mark.parametrize("case", OURS["invalid_proofs"], ids=why)
    def test_invalid_proof_encodings_are_refused(self, case: dict[str, Any]) -> None:
        with pytest.raises(RemoteError) as caught:
            parse_proof(bytes.fromhex(case["proof"]))
        assert caught.value.code == case["code"]

    @pytest.mark.parametrize("case", OURS["invalid_batches"], ids=why)
    def test_invalid_batches_are_refused(self, case: dict[str, Any]) -> None:
        with pytest.raises(RemoteError) as caught:
            unpack_points(bytes.fromhex(case["data"]))
        assert caught.value.code == case["code"]


class TestQuorum:
    shared: dict[str, Any] = OURS["quorum"]

    def answer(self, case: dict[str, Any]) -> PartialEvaluation:
        elements = tuple(bytes.fromhex(text) for text in case["elements"])
        return PartialEvaluation(case["index"], elements, parse_proof(bytes.fromhex(case["proof"])))

    def check(self, group: Group, quorum: list[int], answer: PartialEvaluation) -> None:
        points = [bytes.fromhex(text) for text in self.shared["points"]]
        commitment = bytes.fromhex(self.shared["commitments"][str(answer.index)])
        chosen = make_quorum(quorum, self.shared["holders"], self.shared["threshold"])
        verify_partial(group, commitment, chosen, points, answer)

    @pytest.mark.parametrize("case", OURS["quorum"]["quorums"], ids=lambda case: case["quorum"])
    def test_each_quorum_gives_the_outputs(self, case: dict[str, Any], group: Group) -> None:
        answers = [self.answer(partial) for partial in case["partials"]]
        for answer in answers:
            self.check(group, case["quorum"], answer)
        quorum = make_quorum(case["quorum"], 3, 2)
        combined = combine(group, quorum, answers)
        assert [element.hex() for element in combined] == self.shared["combined"]
        inputs = [bytes.fromhex(text) for text in self.shared["inputs"]]
        blinds = [secret(bytes.fromhex(text)) for text in self.shared["blinds"]]
        outputs = finalise(group, inputs, blinds, combined)
        assert [output.hex() for output in outputs] == self.shared["outputs"]

    @pytest.mark.parametrize("case", OURS["quorum"]["quorums"], ids=lambda case: case["quorum"])
    def test_each_share_gives_its_elements(self, case: dict[str, Any], group: Group) -> None:
        quorum = make_quorum(case["quorum"], 3, 2)
        points = [bytes.fromhex(text) for text in self.shared["points"]]
        for partial in case["partials"]:
            data = bytes.fromhex(self.shared["shares"][str(partial["index"])])
            share = KeyShare(partial["index"], secret(data))
            answer = partial_evaluate(group, share, quorum, points, constant)
            assert [element.hex() for element in answer.elements] == partial["elements"]
            coefficient = quorum.coefficient(partial["index"]).to_bytes(32, "little")
            assert coefficient.hex() == partial["coefficient"]

    @pytest.mark.parametrize("case", OURS["invalid_partials"], ids=why)
    def test_invalid_answers_name_the_holder(self, case: dict[str, Any], group: Group) -> None:
        with pytest.raises(RemoteError, match=f"holder {case['index']}") as caught:
            self.check(group, case["quorum"], self.answer(case))
        assert caught.value.code == ErrorCode.BAD_PROOF

    def test_a_proof_with_the_two_scalars_exchanged_does_not_verify(self, group: Group) -> None:
        good = self.answer(self.shared["quorums"][0]["partials"][0])
        swapped = Proof(good.proof.response, good.proof.challenge)
        with pytest.raises(RemoteError, match="holder 1"):
            self.check(group, [1, 2], PartialEvaluation(1, good.elements, swapped))


class TestBirth:
    def test_the_transcript_reads_and_writes_back(self, group: Group) -> None:
        value = OURS["birth"]["transcript"]
        assert transcript_value(parse_transcript(group, value)) == value

    def test_the_shares_are_the_sums_of_what_was_dealt_and_fit_the_commitments(
        self, group: Group
    ) -> None:
        born = OURS["birth"]
        for index in ("1", "2", "3"):
            dealt = [bytes.fromhex(row[index]) for row in born["dealt"].values()]
            total = sum(int.from_bytes(share, "little") for share in dealt) % ORDER
            assert total.to_bytes(32, "little").hex() == born["shares"][index]
            commitment = group.multiply_base(total).hex()
            assert commitment == born["transcript"]["holder_commitments"][int(index) - 1]

    @pytest.mark.parametrize("case", OURS["invalid_transcripts"], ids=why)
    def test_invalid_transcripts_are_refused(self, case: dict[str, Any], group: Group) -> None:
        with pytest.raises(RemoteError) as caught:
            parse_transcript(group, case["transcript"])
        assert caught.value.code == case["code"]
