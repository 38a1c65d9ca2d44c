"""All pairs at once come to what they come to one by one: small towns full of namesakes."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hub.policies.evaluate import evaluate
from hub.policies.folder import KnownRecord
from hub.policies.packs import pack
from hub.policies.pairing import find_candidates
from hub.policies.scoring import outcomes, scored, stand
from protocol.matchkeys.policy import Contested, Guard, MatchPolicy, OperatingPoint
from protocol.matchkeys.records import ClientRecord
from tests.conftest import SOAK
from tests.property.plain_linking import Found, link

TOWNS = range(2_000) if SOAK else (2, 13, 17, 29, 41, 46)
AGENCIES = ("child", "health", "housing", "police")
GIVEN = ("Amira", "Ann", "Anna", "Samir", "Peter", "Lily-Mae")
MIDDLE = ("Noor", "Mary", "Rose", None)
FAMILY = ("Hassan", "Hasan", "Brown", "Whitlock")
NUMBERS = ("9993001015", "9993001023", "9993001031", "9993001058", None, None, None)
CASES = ("", "twin", "relative")


def town(rand: random.Random) -> Iterator[KnownRecord]:
    """People of few names, days and doors, at some agencies, some twice, some written wrongly."""

    spread = rand.choice((4, 30, 3000, 3000))

    def person() -> ClientRecord:
        door = rand.randrange(spread)
        return ClientRecord(
            nhs_number=rand.choice(NUMBERS),
            given=rand.choice(GIVEN),
            middle=rand.choice(MIDDLE),
            family=rand.choice(FAMILY),
            date_of_birth=f"{2010 + rand.randrange(10)}-03-{1 + rand.randrange(spread) % 28:02}",
            sex=rand.choice("FM"),
            address=f"{1 + door} Mill Road",
            postcode=f"LX{1 + door // 4} 1AA",
        )

    for number in range(rand.randrange(15, 40)):
        record, case = person(), rand.choice(CASES)
        everywhere = rand.sample(AGENCIES, len(AGENCIES))
        some = rand.choices(AGENCIES, k=rand.randrange(1, 6))
        for agency in everywhere if spread > 30 else some:
            other = person()
            changed = rand.sample(sorted(vars(record)), rand.choice((0, 1, 1, 2)))
            kept = replace(record, **{name: getattr(other, name) for name in changed})
            yield KnownRecord(agency, f"p{number}", case, kept)


def policies() -> Iterator[MatchPolicy]:
    for name in ("england", "victoria-id", "no-postcode"):
        policy = pack(name)
        yield replace(policy, stop_token_records=6)
        guards: dict[OperatingPoint, Guard] = {
            "guarded": policy.guards["open"],
            "open": Guard(200, (), (), None),
        }
        cheap = Contested(margin=20, close=-10, worse=-90, elsewhere=-40, sure=-50)
        yield replace(policy, lower=-500, guards=guards, contested=cheap)


def found_by_us(records: list[KnownRecord], policy: MatchPolicy) -> Found:
    found = Found()
    with find_candidates(records, policy) as candidates:
        standings = stand(candidates, policy)
        for pairs, score in scored(candidates, policy, standings):
            found.scores[score.hundredths, True] += pairs.same
            found.scores[score.hundredths, False] += pairs.seen - pairs.same
        for point in ("guarded", "open"):
            at = replace(policy, operating_point=point)
            for case, outcome, same, count in outcomes(candidates, at, standings):
                found.outcomes[point, case, outcome, same] += count
        found.true_pairs = candidates.true_pairs
        found.true_by_case = Counter(candidates.pairs.true_by_case())
        assert evaluate(candidates, policy).to_json()["true_pairs"] == found.true_pairs
    return found


def test_all_pairs_at_once_come_to_what_they_come_to_one_by_one() -> None:
    happened, tried = Counter[str](), list(policies())
    for seed in TOWNS:
        rand = random.Random(seed)  # noqa: S311 - invented people
        records, policy = list(town(rand)), tried[seed % len(tried)]
        rand.shuffle(records)
        plain, ours = link(records, policy), found_by_us(records, policy)
        assert (ours.scores, ours.outcomes) == (plain.scores, plain.outcomes), f"seed {seed}"
        assert (ours.true_pairs, ours.true_by_case) == (plain.true_pairs, plain.true_by_case), (
            f"seed {seed}"
        )
        happened += plain.happened
    ways = {"crowd", "copy", "rival", "elsewhere", "support", "contradicted"}
    assert {way for way in ways if happened[way] < 10} == set(), happened
