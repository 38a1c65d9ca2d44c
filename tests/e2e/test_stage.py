"""The demo's stage: it waits for what programs print and how they end, and says what went wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import stage as demo_stage
from demo.stage import DemoError, Stage, free_port

LOUD = "print('listening', flush=True); import signal; signal.pause()"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage without a council."""
    monkeypatch.chdir(tmp_path)
    made = Stage()
    yield made
    made.close()


def test_a_service_that_ends_unheard_is_told_with_its_last_words(stage: Stage) -> None:
    with pytest.raises(DemoError, match=r"(?s)mute did not say 'listening'.*no such key"):
        stage.start("mute", "python", "-c", "raise SystemExit('no such key')")


def test_whoever_waits_hears_at_once_that_another_service_has_died(stage: Stage) -> None:
    stage.start("loud", "python", "-c", LOUD)
    stage.start("brief", "python", "-c", "print('listening, my last words')")
    with pytest.raises(DemoError, match=r"(?s)brief has stopped.*my last words"):
        stage.wait_for("loud", "never said")


def test_what_hangs_for_good_is_ended_by_the_limit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.start("loud", "python", "-c", LOUD)
    monkeypatch.setattr(demo_stage, "LIMIT_SECONDS", 0.2)
    with pytest.raises(DemoError, match="did not happen: loud says 'more'"):
        stage.wait_for("loud", "more")
    with pytest.raises(DemoError, match=r"python -c .* does not end"):
        stage.run("python", "-c", "import signal; signal.pause()")


def test_a_line_is_awaited_as_often_as_it_shall_be_said_and_only_whole(stage: Stage) -> None:
    said = "for n in range(3): print('listening', n)\nprint('listening half', end='', flush=True)"
    stage.start("loud", "python", "-c", f"{said}\nimport signal; signal.pause()")
    assert stage.wait_for("loud", "listening", 3) == "listening 2"
    assert stage.said("loud", "half") == []


def test_commands_side_by_side_answer_in_their_order(stage: Stage) -> None:
    meet = "import pathlib, time\npathlib.Path({own!r}).touch()\n"
    meet += "while not pathlib.Path({other!r}).exists(): time.sleep(0.01)\nprint({own!r})"
    words = [
        ("python", "-c", meet.format(own=own, other=other)) for own, other in ("ab", "ba")
    ]  # each waits for the other
    assert stage.run_all(*words) == ["a\n", "b\n"]


@pytest.mark.parametrize("expect", [0, 3, None])
def test_another_exit_code_than_the_story_says_is_an_error(
    stage: Stage, expect: int | None
) -> None:
    command = ("python", "-c", "print('because'); raise SystemExit(3)")
    if expect == 0:
        with pytest.raises(DemoError, match=r"(?s)ended with 3, not 0:.because"):
            stage.run(*command, expect=expect)
    else:
        assert stage.run(*command, expect=expect) == "because\n"


def test_ports_are_free_different_and_not_those_of_outgoing_connections() -> None:
    ports = [free_port() for _ in range(30)]
    assert len(set(ports)) == 30
    assert all(20_000 <= port < 32_768 for port in ports)
