"""What people read before they sign a charter."""

from protocol.governance.charter_words import charter_in_words, with_titles
from protocol.governance.numbers import Allowance
from tests.conftest import Council


def test_a_charter_says_what_is_signed_in_plain_lines(council: Council) -> None:
    value = council.charter_value
    council.charter_value["quotas"] = {
        **value["quotas"], "new_stubs_per_day": {"least": 50, "per_thousand": 10},
    }  # fmt: skip
    charter = council.charter()
    parts = {part.title: part.lines for part in charter_in_words(charter, clients=20_000)}
    desk = charter.duty_desk
    assert parts["Duty desk, under every team"] == (f"{desk.name}, {desk.phone}, {desk.hours}",)
    types = "\n".join(parts["Types of work, and who sees them"])
    for item in charter.involvement_types:
        assert f"{item.code} ({item.title}): " in types
    assert (
        "health_visiting (Health visiting): seen by health_provider, childrens_social_care. "
        in types
    )
    assert "always findable" in types
    sensitive = [item.code for item in charter.involvement_types if item.openness == "sensitive"]
    lines = [line for line in types.splitlines() if line.split(" ")[0] in sensitive]
    assert lines
    assert all("sensitive: shown to nobody" in line for line in lines), "whatever visible_to says"
    bases = "\n".join(parts["Lawful bases"])
    for basis in charter.lawful_bases:
        assert f"{basis.code} ({basis.title}): " in bases
    assert (
        f"signed messages, at the hub: {charter.retention_days} days"
        in (parts["How long things are kept"])
    )
    assert (
        "new clients a day: 200 for you (10 for a thousand clients, at least 50)"
        in (parts["Quotas of one agency"])
    )


def test_without_a_size_a_quota_says_what_it_follows(council: Council) -> None:
    allowance = Allowance(least=50, per_thousand=10).model_dump()
    council.charter_value["quotas"] = {
        **council.charter_value["quotas"], "first_stubs": allowance,
    }  # fmt: skip
    parts = {part.title: part.lines for part in charter_in_words(council.charter())}
    said = "clients in a first publication: 10 for a thousand clients, at least 50"
    assert said in parts["Quotas of one agency"]


def test_no_key_and_no_hash_is_read_out(council: Council) -> None:
    charter = council.charter()
    text = "\n".join(line for part in charter_in_words(charter) for line in part.lines)
    assert charter.hub.sign not in text
    assert charter.token_key.public_key not in text
    assert not any(witness.vkey in text for witness in charter.witnesses)


def test_on_a_page_titles_stand_for_codes(council: Council) -> None:
    charter = council.charter()
    lines = [
        with_titles(charter, line) for part in charter_in_words(charter) for line in part.lines
    ]
    codes = [one.code for one in charter.classes] + [one.code for one in charter.involvement_types]
    codes = [code for code in codes if "_" in code]
    assert not [line for line in lines if any(code in line for code in codes)]
    assert "Children's social care" in lines, "and no title twice"
    attention = "raising attention, 30 times a day: Missing from home or school"
    assert with_titles(charter, attention) == attention, "a word, and no code"
    assert any(line.startswith("Health visiting: seen by Health provider, ") for line in lines)
