"""One-sided answers stay one-sided, whatever the score says: properties of protocol.review."""

from hypothesis import given
from hypothesis import strategies as st

from hub.policies.packs import pack
from protocol.matchkeys.score import Outcome, PairScore, score_pattern
from protocol.matchkeys.support import supported
from protocol.requests.review import Answer, Said, question_of, review

ENGLAND = pack("england")

outcomes = st.sampled_from(Outcome)
NOW, BEFORE = "11" * 32, "22" * 32
current = st.none() | st.sampled_from(Said).map(lambda said: Answer(said, NOW))
stale = st.sampled_from(Said).map(lambda said: Answer(said, BEFORE))
answers = current | stale
tokens = st.dictionaries(
    st.sampled_from(["nid.1", "name_pc.1", "x.2"]),
    st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=3, unique=True),
    max_size=3,
)
ORDER = ["ended", "possible", "match"]


@given(outcomes, answers, answers)
def test_the_two_sides_are_treated_alike(
    outcome: Outcome, a: Answer | None, b: Answer | None
) -> None:
    one, other = review(outcome, NOW, a, b), review(outcome, NOW, b, a)
    assert (one.state, one.a, one.b) == (other.state, other.b, other.a)


@given(outcomes, answers)
def test_same_by_one_side_raises_nothing(outcome: Outcome, b: Answer | None) -> None:
    if b == Answer(Said.SAME, NOW):
        return
    without = review(outcome, NOW, None, b)
    with_it = review(outcome, NOW, Answer(Said.SAME, NOW), b)
    assert ORDER.index(with_it.state) <= ORDER.index(without.state)
    assert with_it.b.shown == without.b.shown, "the other side is shown what it was shown"


@given(st.sampled_from([Outcome.POSSIBLE, Outcome.NONE]), answers)
def test_an_open_link_tells_nobody_what_the_other_side_said(
    outcome: Outcome, b: Answer | None
) -> None:
    """As long as the other side has not said the same, b's view never depends on a's answer."""
    views = {
        review(outcome, NOW, a, b).b
        for a in (None, *(Answer(said, NOW) for said in Said))
        if b is None or b.question != NOW or a is None or a.said is not b.said
    }
    assert len(views) == 1


@given(outcomes, current)
def test_not_the_same_hides_on_its_own_side_only(outcome: Outcome, b: Answer | None) -> None:
    standing = review(outcome, NOW, Answer(Said.NOT_SAME, NOW), b)
    assert standing.a.shown == "ended"
    assert not standing.a.asked
    if b != Answer(Said.NOT_SAME, NOW):
        assert standing.b.shown == review(outcome, NOW, None, b).b.shown


@given(outcomes)
def test_what_both_say_beats_the_score(outcome: Outcome) -> None:
    same, not_same = Answer(Said.SAME, NOW), Answer(Said.NOT_SAME, NOW)
    assert review(outcome, NOW, same, same).state == "match"
    ended = review(outcome, NOW, not_same, not_same)
    assert (ended.state, ended.a.asked, ended.b.asked) == ("ended", False, False)


@given(outcomes, stale, stale)
def test_a_changed_token_set_puts_the_question_again(
    outcome: Outcome, a: Answer, b: Answer
) -> None:
    standing = review(outcome, NOW, a, b)
    assert standing.state == review(outcome, NOW, None, None).state
    if standing.state != "ended":
        assert standing.a.asked
        assert standing.b.asked


@given(outcomes, answers, answers)
def test_nobody_is_asked_about_what_they_are_not_shown(
    outcome: Outcome, a: Answer | None, b: Answer | None
) -> None:
    standing = review(outcome, NOW, a, b)
    for view in (standing.a, standing.b):
        assert view.shown != "ended" or not view.asked
        assert ORDER.index(view.shown) <= ORDER.index(standing.state)


@given(tokens, tokens)
def test_a_question_names_both_token_sets_and_nothing_else(
    one: dict[str, list[bytes]], other: dict[str, list[bytes]]
) -> None:
    asked = question_of([("aa", one), ("bb", other)])
    assert asked == question_of([("bb", other), ("aa", one)])
    shuffled = {key: list(reversed(values)) for key, values in reversed(one.items())}
    assert asked == question_of([("aa", shuffled), ("bb", other)])
    assert asked != question_of([("aa", {**one, "new.1": [b"x" * 16]}), ("bb", other)])
    if one != other:
        assert asked != question_of([("aa", other), ("bb", one)])


@given(outcomes, outcomes, outcomes, st.booleans(), st.booleans())
def test_support_takes_two_automatic_links_and_nothing_against(
    pair: Outcome, first: Outcome, second: Outcome, contradicted: bool, barred: bool
) -> None:
    score = PairScore(0, ("name_pc.2",), (), pair, barred=barred)
    expected = (pair, first, second) == (Outcome.POSSIBLE, Outcome.MATCH, Outcome.MATCH)
    assert supported(score, first, second, contradicted=contradicted) == (
        expected and not contradicted and not barred
    )


def test_conflicting_numbers_bar_unless_one_of_their_keys_agrees() -> None:
    conflict = score_pattern(ENGLAND, ("given_dob.3", "name_pc_dob.3"), ("nid_dob.1",))
    assert conflict.barred
    typo = score_pattern(ENGLAND, ("given_dob.3", "nid_given.2"), ("nid_dob.1",))
    assert not typo.barred
