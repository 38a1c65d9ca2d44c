"""The name tables: what a reviewer would check by hand, and who must stay apart."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from protocol import canonical
from protocol.matchkeys.given_names import COMMON_NAMES, a_to_f, g_to_m, n_to_z
from protocol.matchkeys.names import (
    FORMAL_NAMES,
    NICKNAMES,
    canonical_family,
    canonical_name,
    family_skeletons,
    given_forms,
    given_skeleton,
)
from protocol.matchkeys.settling import settled_name
from protocol.matchkeys.skeleton import skeleton
from protocol.matchkeys.spellings import FAMILY, FAMILY_SPELLINGS, SERVANT_NAMES, SPELLINGS
from protocol.matchkeys.tables import table_hashes

WRITTEN_OUT = Path(__file__).resolve().parents[2] / "specs/vectors/matchkeys-tables.json"
GIVEN = given_forms()


def test_tables_are_large_enough_and_all_letters() -> None:
    assert len(NICKNAMES) >= 400
    names = [*NICKNAMES, *FORMAL_NAMES, *FAMILY, *GIVEN, *GIVEN.values(), *SERVANT_NAMES]
    assert [name for name in names if not re.fullmatch("[a-z]{2,24}", name)] == []


def test_a_variant_has_one_name() -> None:
    tables = (FORMAL_NAMES, SPELLINGS, FAMILY_SPELLINGS)
    counts = Counter(word for table in tables for words in table.values() for word in words.split())
    assert [word for word, count in counts.items() if count > 1] == []


def test_the_one_form_of_a_name_is_its_own_form() -> None:
    for name in GIVEN:
        assert canonical_name(canonical_name(name)) == canonical_name(name)
    for name in (*FAMILY, *SERVANT_NAMES):
        assert canonical_family(canonical_family(name)) == canonical_family(name)
    forms = set(COMMON_NAMES.values())
    assert [name for name, form in GIVEN.items() if form == name and name not in forms] == []


def test_a_common_name_is_listed_once_and_is_no_nickname() -> None:
    """Two lines that share a spelling would make one name of two."""
    lines = [line for part in (a_to_f, g_to_m, n_to_z) for line in part.NAMES.split()]
    words = [word for line in lines for word in line.split("/")]
    assert [word for word, count in Counter(words).items() if count > 1] == []
    firsts = [line.split("/")[0] for line in lines]
    assert firsts == sorted(firsts)
    assert [word for word in words if word in NICKNAMES] == []
    assert [word for word in words if SERVANT_NAMES.get(word, word) != word] == []
    assert len(lines) > 5000


def test_a_formal_name_of_six_letters_or_more_stays() -> None:
    assert [name for name in FORMAL_NAMES if len(name) >= 6 and name in NICKNAMES] == []


def test_no_spelling_is_listed_that_the_skeleton_brings_together() -> None:
    for table in (SPELLINGS, FAMILY_SPELLINGS):
        for name, written in table.items():
            assert [word for word in written.split() if skeleton(word) == skeleton(name)] == []


def test_two_hops() -> None:
    assert canonical_name("polly") == "mary"
    assert canonical_name("peggy") == "margaret"
    assert canonical_name("gene") == canonical_name("yevhen")


def test_common_uk_nicknames() -> None:
    pairs = (
        "dave david, sue susan, becky rebecca, tom thomas, jim james, debbie deborah, bob robert"
    )
    for pair in pairs.split(", "):
        nickname, formal = pair.split()
        assert canonical_name(nickname) == formal


SAME = {
    "Somali": "cabdi abdi, xasan hassan, xuseen hussein, maxamed mohammed, axmed ahmed, cali ali, "
    "cumar omar, cismaan usman, xaliimo halima, caasha aisha, faduma fatima, maxamuud mahmoud",
    "Arabic": "youssef yusuf, khaled khalid, abdurrahman abdulrahman, abdelkader abdulqadir, "
    "rachid rashid, boubacar abubakar, oualid walid, othman usman, zaynab zainab",
    "South Asian": "vikram wikram, mohd mohammed, md mohamed, muhd muhammad, laxmi lakshmi, "
    "zulfikar julfikar, ayesha aisha, faisal foysal",
    "Slavic": "aleksandr alexander, evgeny yevgeniy, evgeny eugene, yulia iuliia, ihor igor, "
    "katya katerina, mykola nikolai, wiktoria viktoria, ekaterina yekaterina, dmytro dmitri",
    "East Asian": "hsiao xiao, hsin xin, tzu zi, tsung zong",
    "African": "kwame kwami, seun oluwaseun, emeka chukwuemeka, tunde babatunde, thabo tabo",
    "British and Irish": "leigh lee, ashleigh ashley, reece rhys, niamh neve, kathryn catherine",
}  # fmt: skip


@pytest.mark.parametrize("naming", SAME)
def test_spellings_of_one_name_meet(naming: str) -> None:
    for pair in SAME[naming].split(", "):
        one, other = pair.split()
        assert given_skeleton(one) == given_skeleton(other), pair


FAMILIES = (
    "zhang chang, zhang cheung, xu hsu, cai tsai, xasan hassan, nguyen nguen, cabdi abdi, "
    "thompson thomson, bandyopadhyay banerjee, park pak, leigh lee, chowdhury chaudhry"
)


def test_spellings_of_one_family_name_meet_also_within_a_double_name() -> None:
    for pair in FAMILIES.split(", "):
        one, other = pair.split()
        assert family_skeletons((one,)) == family_skeletons((other,)), pair
        double = [family_skeletons((f"{name}gill", name, "gill")) for name in (one, other)]
        assert double[0] == double[1], pair


# Twins, sisters and neighbours bear these pairs: no table may make one name of them. (Some share a
# skeleton all the same; the guard of §7 asks for more than a skeleton.)
APART = (
    "paul paula, li lei, amira samira, maria marie, hassan hussein, hassan hasina, zahid jahid, "
    "yusuf joseph, musa moses, isa jesus, jan ian, yana jana, iana ian, jasmine yasmin, "
    "najma nazma, oliver olivia, alexander alexandra, mohammed mahmoud, mohammed ahmed, "
    "asia asiya, asia joanna, juliet julia, salim salma, abdullah abdulrahman, "
    "abdulrahim abdulrahman, mamadou mohammed, janna zhanna, simon simone, francis frances, "
    "mia maya, lily layla, sean sian, sara zara, amir amira, amir emre, daniel danielle, "
    "joan june, noah nia, lena leon, leon liana, ali elia, theo thea, stephen stephanie, "
    "christian christine"
)


def test_names_of_different_people_are_never_made_one() -> None:
    for pair in APART.split(", "):
        one, other = pair.split()
        assert canonical_name(one) != canonical_name(other), pair
        assert canonical_family(one) != canonical_family(other), pair
        assert settled_name(one) != settled_name(other), pair


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hasan", "hassan"),  # a spelling
        ("hosain", "hussein"),
        ("hasssan", "hassan"),  # a letter too many, one missing, another, two swapped
        ("hussen", "hussein"),
        ("davyd", "david"),
        ("chrisitne", "christine"),
        ("abdelrehman", "abdulrahman"),
    ],
)
def test_a_slip_leads_to_the_nearest_known_name_that_sounds_alike(written: str, meant: str) -> None:
    assert settled_name(written) == meant


def test_what_is_near_to_two_names_or_to_none_is_no_known_name() -> None:
    assert settled_name("hussan") == "*hosan"  # as near to Hassan's spellings as to Hussein's
    assert settled_name("mha") == "*ma"  # Maha, Mia and Mya
    assert settled_name("waltersbegum") == "*waltirspikom"
    assert settled_name("zorvan") != settled_name("zarven")


def test_an_initial_is_no_name_and_nothing_is_nothing() -> None:
    assert given_skeleton("j") is None
    assert given_skeleton(None) is None
    assert family_skeletons(()) == ()


def test_table_hashes_change_only_with_the_tables() -> None:
    # A charter names these. Written out, the tables are also what a second implementation reads.
    written = json.loads(WRITTEN_OUT.read_text("utf-8"))
    del written["about"]
    assert set(written) == {"family", "given", "servant", "words"}
    assert table_hashes() == {
        name: hashlib.sha256(canonical.encode(table)).hexdigest() for name, table in written.items()
    }
    assert table_hashes()["given"] != table_hashes()["family"]
