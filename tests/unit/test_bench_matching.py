"""The benches measure what they say: figures counted by hand, folders written and read back."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.matching import population, report, spellings
from bench.matching.attacks import attack, default_quotas
from bench.matching.compare import result_of_json
from bench.matching.datasets import Agency, louder, us_date_as_iso, write_folder
from bench.matching.measure import Truth, quality
from bench.matching.people import read_folder, standardise
from bench.matching.population import Population
from bench.matching.search import changes, new_stubs
from hub.policies.packs import pack
from protocol.matchkeys.records import ClientRecord, normalise_record

# Ann is at a, b and c; Bob and his twin Bea at a and b.
TRUTH = Truth(
    {"a1": "ann", "b1": "ann", "c1": "ann", "a2": "bob", "b2": "bea"},
    {"a1": "a", "b1": "b", "c1": "c", "a2": "a", "b2": "b"},
    {"a1": "", "b1": "", "c1": "", "a2": "twin", "b2": "twin"},
)


class TestQuality:
    """F1, recall at precision .999 and the false pairs there."""

    def test_recall_counts_pairs_that_nobody_proposed(self) -> None:
        assert TRUTH.pairs() == 3
        reached = quality([(2.0, ("a1", "b1"))], TRUTH)
        assert (reached.recall_at_p999, reached.candidate_recall) == (1 / 3, 1 / 3)
        assert reached.best_f1 == pytest.approx(0.5)
        assert reached.ceiling == pytest.approx(0.5)

    def test_the_best_threshold_may_take_a_wrong_pair_in(self) -> None:
        scored = [(4.0, ("a1", "b1")), (3.0, ("a2", "b2")), (2.0, ("a1", "c1"))]
        reached = quality([*scored, (1.0, ("b1", "c1"))], TRUTH)
        assert reached.best_f1 == pytest.approx(2 * 3 / (4 + 3))
        assert reached.recall_at_p999 == pytest.approx(1 / 3)
        assert reached.hard_cases_at_p999 == {}

    def test_equal_scores_stand_or_fall_together(self) -> None:
        reached = quality([(1.0, ("b1", "c1")), (1.0, ("a2", "b2"))], TRUTH)
        assert reached.recall_at_p999 == 0
        assert reached.best_f1 == pytest.approx(2 * 1 / (2 + 3))

    def test_two_records_in_one_agency_are_no_pair(self) -> None:
        agency = {"a1": "a", "a9": "a", "b1": "b", "c1": "c"}
        # a1-b1, a1-c1, a9-b1, a9-c1, b1-c1
        assert Truth(dict.fromkeys(agency, "ann"), agency, {}).pairs() == 5

    @pytest.mark.parametrize(("right", "recall"), [(998, 0.0), (999, 1.0)])
    def test_one_wrong_in_a_thousand_is_precise_and_more_is_not(
        self, right: int, recall: float
    ) -> None:
        people = {f"{side}{n}": f"p{n}" for n in range(right) for side in "ab"}
        many = Truth(
            {**people, "x": "bob", "y": "bea"},
            {record: record[0] for record in [*people, "x", "y"]},
            {"x": "twin", "y": "twin"},
        )
        scored = [(2.0, ("x", "y")), *((1.0, (f"a{n}", f"b{n}")) for n in range(right))]
        reached = quality(scored, many)
        assert reached.recall_at_p999 == recall
        # The wrong pair, two twins, is named if the threshold lets it in.
        assert reached.false_at_p999 == recall
        assert reached.hard_cases_at_p999 == ({"twin": 1} if recall else {})


class TestFolders:
    """What is written can be read by every system, and only truth.csv tells who is who."""

    def test_a_folder_is_written_and_read_back(self, tmp_path: Path) -> None:
        row = {"first_name": "Ann", "last_name": "O'Hara", "address": "2, 14a High St"}
        one = Agency("one", ("first_name", "last_name", "address"), (("p1", row),))
        other = Agency("other", ("first_name",), (("p1", {"first_name": "Anne"}),))
        write_folder(tmp_path, (one, other))
        with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file)) == [
                ["local_id", "agency", "person", "hard_case"],
                ["r000000", "one", "p1", ""],
                ["r000001", "other", "p1", ""],
            ]
        folder = read_folder(tmp_path)
        assert folder.records["r000000"] == {
            "given": "ann", "family": "ohara", "house": "14a", "street": "high st",
        }  # fmt: skip
        assert folder.truth.pairs() == 1
        assert population.read(tmp_path).records[0].street == "high"

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("03/14/2022", "2022-03-14"),
            ("20220314", "2022-03-14"),
            ("2022-03-14", "2022-03-14"),
            ("3/14/2O22", "3/14/2O22"),
            ("", ""),
        ],
    )
    def test_dates_are_put_in_order_and_misprints_left(self, written: str, read: str) -> None:
        assert us_date_as_iso(written) == read

    def test_only_the_chance_of_an_error_is_made_louder(self) -> None:
        config = {"sex": {"blank": {"cell_probability": 0.3}, "row_probability": 0.1}, "n": 1}
        assert louder(config, 2) == {"sex": {"blank": {"cell_probability": 0.6}}}
        assert louder(config, 9) == {"sex": {"blank": {"cell_probability": 1.0}}}

    def test_what_is_no_answer_is_missing_for_the_peers_too(self) -> None:
        row = {"D.O.B.": "01/01/1900", "POST CODE": "ZZ99 3VZ", "FIRST NAME": "Baby", "SEX": ""}
        assert standardise(row) == {}
        assert standardise({"dob": "14/03/2022"}) == {"born": "2022-03-14"}


def test_ours_becomes_a_line_of_the_table() -> None:
    told = {"best_f1": 0.97, "recall_at_p999": 0.8, "candidate_recall": 0.5, "tokens_per_client": 9}
    result = result_of_json(
        "council", {**told, "hard_cases": {"twin": {"wrong_automatic": 3}}}, 1.25
    )
    peer = replace(result, system="peer", shown="clear text", tokens_per_client=None)
    first, second = report.table([result, peer]).splitlines()[2:]
    assert first == (
        "| council | match-keys (this project) | nothing | .9700 | .5000, .6667 | .8000 | 3 | 9.0 "
        "| 1.2 |"
    )
    assert second.startswith("| council | peer | clear text |")


class TestAttacks:
    """Ranking names the frequent, and the limits leave as many guesses as the calendar says."""

    @staticmethod
    def town(names: str) -> Population:
        records = tuple(normalise_record(ClientRecord(given=name)) for name in names.split())
        return Population(records, tuple(f"p{n}" for n in range(len(records))))

    def test_records_are_named_by_the_rank_of_their_token(self) -> None:
        public = self.town("john john john mary mary zoe")
        attacked = self.town("john john john john mary mary peter")
        found = attack("given", lambda r: [r.given] if r.given else [], public, attacked)
        assert found.named_by_rank == pytest.approx(6 / 7)
        assert found.share_with_others == pytest.approx(6 / 7)
        assert found.most_holders == 4

    def test_one_person_twice_shares_with_nobody(self) -> None:
        twice = replace(self.town("john john"), people=("p1", "p1"))
        found = attack("given", lambda r: [r.given] if r.given else [], twice, twice)
        assert (found.share_with_others, found.most_holders) == (0, 1)

    def test_limits_count_days_as_the_charter_does(self) -> None:
        quotas = default_quotas()
        assert changes(quotas) == 3 * quotas.token_changes_per_stub
        assert new_stubs(quotas) == 90 * 2_500, "25 a day for each thousand of its 100,000 clients"

    def test_two_seeds_make_two_sets_of_people_of_one_town(self) -> None:
        one, other = population.invented(300, 1), population.invented(300, 2)
        assert one.records != other.records
        assert one.records == population.invented(300, 1).records
        frequent = [Counter(r.given for r in town.records).most_common(9) for town in (one, other)]
        assert {name for name, _ in frequent[0]} & {name for name, _ in frequent[1]}
        assert all(r.postcode and r.house and r.born for r in one.records)


class TestSpellings:
    """Each way of writing a name is measured by itself, from linked to not found."""

    def test_a_name_that_is_written_alike_is_linked_and_one_in_another_field_is_not(self) -> None:
        people = [
            ClientRecord(None, given, None, family, born, "F", f"{n} Elm Road", "LX4 2BD")
            for n, (given, family, born) in enumerate(
                [("Erin", "Platt", "2015-09-17"), ("Amira", "Hassan", "1988-02-14")], 1
            )
        ]

        def measured(way: str, *, moved: bool = False) -> str:
            return spellings.measure(people, spellings.WAYS[way], pack("england"), moved=moved)

        assert measured("alike") == "100 / 0 / 0 | 100 / 0 / 0"
        assert measured("alike", moved=True) == "0 / 100 / 0 | 100 / 0 / 0"
        assert measured("Lily Mae / Lily-Mae") == "100 / 0 / 0 | 100 / 0 / 0"
        assert measured("one name: given / family field") == "0 / 100 / 0 | 0 / 100 / 0"
        assert measured("one name: given / family field", moved=True) == (
            "0 / 0 / 100 | 0 / 0 / 100"
        )
