"""The exec type with real programs: each way an application can start, die, hide, hang and come to an end (O2)."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.message import Message, Refused
from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import command, exec_messages as say
from komainu.types.exec import EXEC, ExecParams
from tests.unit.adapters.linux.workbench import CONTAINED, SLEEPER, STUBBORN, double_fork, kill_hard, runs, told, until
from tests.unit.types.exec_stage import FREEZER, Node, Play, code, ended, on_stage

processes = pytest.mark.processes


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Tell a story about an exec resource with these parameters."""
    return on_stage(tmp_path / "node")


# --- The configuration -----------------------------------------------------------------------------------------------


def refusal(**values: Any) -> str:
    """The code of the message that refuses these parameters."""
    with pytest.raises(ValidationError) as caught:
        ExecParams.model_validate_json(json.dumps(values), strict=True)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, Refused)
    assert error.said.ja
    return error.said.code


SCRIPTS = {"start": "/opt/start", "stop": "/opt/stop"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, say.NO_FORM),
        ({"check": "/bin/true"}, say.NO_FORM),
        ({"command": "/bin/true", **SCRIPTS}, say.TWO_FORMS),
        ({"command": "/bin/true", "stop": "/opt/stop"}, say.TWO_FORMS),
        ({"start": "/opt/start"}, say.HALF_A_PAIR),
        ({"stop": "/opt/stop"}, say.HALF_A_PAIR),
        ({"command": ""}, command.NO_WORDS),
        ({"command": []}, command.NO_WORDS),
        ({"command": ["", "x"]}, command.NO_WORDS),
        ({"command": "/bin/echo 'open"}, command.BAD_QUOTES),
        ({"command": "bin/true"}, command.RELATIVE),
        ({"command": ["./true"]}, command.RELATIVE),
        ({"command": ["/bin/tr\0ue"]}, command.ZERO_BYTE),
        ({"command": ["/bin/true", "a\0b"]}, command.ZERO_BYTE),
        ({"command": "/bin/true", "directory": "here"}, command.RELATIVE),
        ({"command": "/bin/true", "directory": "/a\0b"}, command.ZERO_BYTE),
        ({"command": "/bin/true", "environment": {"A B": "1"}}, command.BAD_VARIABLE),
        ({"command": "/bin/true", "environment": {"1A": "1"}}, command.BAD_VARIABLE),
        ({"command": "/bin/true", "environment": {"KOMAINU_INSTANCE": "1"}}, command.BAD_VARIABLE),
        ({"command": "/bin/true", "environment": {"CLP_EVENT": "START"}}, command.BAD_VARIABLE),
        ({"command": "/bin/true", "environment": {"A": "\0"}}, command.ZERO_BYTE),
        ({"command": "/bin/true", "group": "daemon"}, say.GROUP_ALONE),
    ],
)
def test_a_bad_configuration_is_refused_with_its_reason(values: dict[str, Any], message: Message) -> None:
    assert refusal(**values) == message.code


@pytest.mark.parametrize(
    "values",
    [
        {"command": 5},
        {"command": [1]},
        {"command": {"a": 1}},
        {"command": "/bin/true", "user": "a b"},
        {"command": "/bin/true", "user": "--help"},
        {"command": "/bin/true", "stop_signal": "STOP"},
        {"command": "/bin/true", "log_bytes": 1},
        {"command": "/bin/true", "normal_exit_codes": []},
        {"command": "/bin/true", "unknown": 1},
    ],
)
def test_wrong_shapes_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExecParams.model_validate_json(json.dumps(values), strict=True)


def test_a_command_is_one_text_or_a_list_of_words() -> None:
    text = ExecParams.model_validate({"command": "/bin/echo 'a b' c"})
    words = ExecParams.model_validate({"command": ["/bin/echo", "a b", "c"]})
    assert text == words
    assert text.command == ("/bin/echo", "a b", "c")
    assert ExecParams.model_validate({"command": "sleep 5"}).command == ("sleep", "5")
    assert ExecParams.model_validate(SCRIPTS).start == ("/opt/start",)
    shown = ExecParams.model_json_schema()["properties"]["command"]["anyOf"]
    assert [kind["type"] for kind in shown] == ["string", "array"]


def test_every_parameter_is_described_in_both_languages() -> None:
    for name, shown in ExecParams.model_json_schema()["properties"].items():
        assert shown["description"], name
        assert shown["description_ja"], name


def test_it_is_exclusive_unless_somebody_says_otherwise() -> None:
    assert EXEC.traits.exclusive
    assert EXEC.traits.exclusive_may_be_cleared
    assert EXEC.monitor_name("exec1") == "execw1"


def test_every_message_has_its_own_code_and_the_same_places_in_both_languages() -> None:
    codes = [message.code for message in EXEC.messages]
    assert len(codes) == len(set(codes))
    for message in EXEC.messages:
        assert places(message.en) == places(message.ja), message.code
        assert message.code.startswith("KM40")


def places(text: str) -> list[str]:
    return sorted({part.split("}")[0] for part in text.split("{")[1:]})


# --- Supervised ------------------------------------------------------------------------------------------------------


@processes
@CONTAINED
def test_supervised_from_start_to_stop(play: Play, contained: bool) -> None:
    async def story(node: Node) -> None:
        assert await node.hands.prepare() == SUCCEEDED
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)
        ended(await node.check(), Result.FAILED, say.NOT_RUNNING)
        assert await node.start() == SUCCEEDED
        pid = node.pid
        assert runs(pid)
        assert await node.check() == SUCCEEDED
        assert await node.probe() == SUCCEEDED

        assert await node.start() == SUCCEEDED
        assert node.pid == pid, "a start of what runs changes nothing"

        assert await node.stop() == SUCCEEDED
        assert not runs(pid)
        assert await node.stop() == SUCCEEDED
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)
        assert await node.start() == SUCCEEDED
        assert not node.reported, "an end that was asked for is no news"

    play(story, contained=contained, command=list(SLEEPER))


@processes
@CONTAINED
def test_a_killed_application_is_reported_without_a_check(play: Play, contained: bool) -> None:
    async def story(node: Node) -> None:
        await node.start()
        kill_hard(node.pid)
        outcome = await node.until_reported()
        ended(outcome, Result.FAILED, say.KILLED)
        assert outcome.said is not None
        assert "SIGKILL" in outcome.said.en
        ended(await node.check(), Result.FAILED, say.KILLED)
        assert await node.stop() == SUCCEEDED
        assert await node.start() == SUCCEEDED
        assert len(node.reported) == 1

    play(story, contained=contained, command=list(SLEEPER))


@processes
def test_an_application_that_ends_by_itself_says_its_last_words(play: Play) -> None:
    async def story(node: Node) -> None:
        assert await node.start() == SUCCEEDED
        outcome = await node.until_reported()
        ended(outcome, Result.FAILED, say.ENDED)
        assert outcome.detail == "cannot bind"
        assert outcome.said is not None
        assert "3" in outcome.said.en

    play(story, command=code("echo cannot bind >&2; exit 3"))


@processes
def test_with_startup_ms_an_early_end_is_a_failed_start(play: Play) -> None:
    async def story(node: Node) -> None:
        outcome = await node.start()
        ended(outcome, Result.FAILED, say.ENDED)
        assert outcome.detail == "no licence"
        assert not node.reported, "the start itself has said it"
        assert await node.stop() == SUCCEEDED

    play(story, command=code("echo no licence; exit 1"), startup_ms=15_000)


@processes
def test_with_startup_ms_an_application_that_stays_has_started(play: Play) -> None:
    async def story(node: Node) -> None:
        assert await node.start() == SUCCEEDED
        assert await node.check() == SUCCEEDED

    play(story, command=list(SLEEPER), startup_ms=50)


@processes
@CONTAINED
def test_a_program_that_goes_to_the_background_is_found_and_ended(play: Play, tmp_path: Path, contained: bool) -> None:
    async def story(node: Node) -> None:
        assert await node.start() == SUCCEEDED
        ended(await node.until_reported(), Result.FAILED, say.ENDED)
        daemon = await told(tmp_path / "pid")
        assert runs(daemon)
        node.restart_agent()
        outcome = await node.probe()
        ended(outcome, Result.UNKNOWN, say.ORPHANS)
        assert outcome.said is not None
        assert str(daemon) in outcome.said.en
        assert await node.stop() == SUCCEEDED
        assert not runs(daemon)
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)

    play(story, contained=contained, command=list(double_fork(tmp_path / "pid")))


@processes
@CONTAINED
def test_a_start_begins_clean(play: Play, tmp_path: Path, contained: bool) -> None:
    """Orphans of an application that was killed must not hold its port against the next start."""

    async def story(node: Node) -> None:
        await node.start()
        orphan = await told(tmp_path / "pid")
        kill_hard(node.pid)
        await node.until_reported()
        (tmp_path / "pid").unlink()
        assert await node.start() == SUCCEEDED
        assert not runs(orphan)
        assert runs(await told(tmp_path / "pid"))

    daemon = double_fork(tmp_path / "pid", then="time.sleep(1000)")
    play(story, contained=contained, command=list(daemon))


@processes
@CONTAINED
def test_a_stop_that_is_ignored_becomes_sigkill(play: Play, contained: bool) -> None:
    async def story(node: Node) -> None:
        await node.start()
        pid = node.pid
        assert await node.stop() == SUCCEEDED
        assert not runs(pid)

    play(story, contained=contained, command=list(STUBBORN), kill_after_ms=100)


@processes
def test_the_stop_signal_can_be_chosen(play: Play, tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await node.start()
        await told(tmp_path / "up")
        assert await node.stop() == SUCCEEDED
        assert (tmp_path / "told").read_text() == "asked by INT\n"

    text = f"trap 'echo asked by INT > {tmp_path}/told; exit' INT; echo 1 > {tmp_path}/up; while :; do sleep 0.01; done"
    play(story, command=code(text), stop_signal="INT")


@processes
@pytest.mark.skipif(not os.access(FREEZER, os.W_OK), reason="only the freezer of cgroup version 1 holds off SIGKILL")
def test_a_stop_that_is_not_certain_has_not_succeeded(play: Play) -> None:
    async def story(node: Node) -> None:
        await node.start()
        group = FREEZER / f"komainu-{node.bench.cluster}"
        group.mkdir()
        try:
            (group / "cgroup.procs").write_text(str(node.pid))
            (group / "freezer.state").write_text("FROZEN")
            outcome = await node.hands.stop(400)
            ended(outcome, Result.FAILED, say.REMAINS)
            assert outcome.said is not None
            assert str(node.pid) in outcome.said.en
            assert await node.probe() == SUCCEEDED, "it has not ended, and so it runs"
        finally:
            (group / "freezer.state").write_text("THAWED")
        assert await node.stop() == SUCCEEDED
        group.rmdir()

    play(story, command=list(SLEEPER), kill_after_ms=50)


@processes
@CONTAINED
def test_a_new_agent_adopts_what_runs(play: Play, contained: bool) -> None:
    async def story(node: Node) -> None:
        await node.start()
        pid = node.pid
        node.restart_agent()
        assert await node.probe() == SUCCEEDED
        assert await node.check() == SUCCEEDED
        assert await node.start() == SUCCEEDED
        assert node.pid == pid
        kill_hard(pid)
        ended(await node.until_reported(), Result.FAILED, say.KILLED)

    play(story, contained=contained, command=list(SLEEPER))


@processes
def test_after_a_change_of_the_configuration_its_death_is_still_news(play: Play) -> None:
    async def story(node: Node) -> None:
        await node.start()
        node.take({"command": [*SLEEPER, "changed"]})
        assert await node.check() == SUCCEEDED
        kill_hard(node.pid)
        ended(await node.until_reported(), Result.FAILED, say.KILLED)

    play(story, command=list(SLEEPER))


@processes
def test_a_reused_process_id_is_not_taken_for_the_application(play: Play) -> None:
    async def story(node: Node) -> None:
        await node.start()
        stranger = await asyncio.create_subprocess_exec("sleep", "1000")
        try:
            kill_hard(node.pid)
            await node.until_reported()
            record = json.loads(node.bench.record.read_text())
            # Both may have begun at the same tick of the kernel's clock; whoever takes over an id begins later.
            earlier = {"pid": stranger.pid, "start_time": record["start_time"] - 1}
            node.bench.record.write_text(json.dumps({**record, **earlier}))
            node.restart_agent()
            ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)
            assert await node.stop() == SUCCEEDED
            assert runs(stranger.pid)
        finally:
            stranger.kill()
            await stranger.wait()

    play(story, command=list(SLEEPER))


@processes
def test_a_damaged_record_is_unknown_until_it_is_stopped(play: Play) -> None:
    async def story(node: Node) -> None:
        await node.start()
        kill_hard(node.pid)
        await node.until_reported()
        node.bench.record.write_text("not JSON")
        node.restart_agent()
        outcome = await node.probe()
        ended(outcome, Result.UNKNOWN, say.DAMAGED)
        assert "g@app.json" in outcome.detail
        assert await node.stop() == SUCCEEDED
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)

    play(story, command=list(SLEEPER))


@processes
def test_a_supervised_application_can_have_a_check_too(play: Play, tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await node.start()
        ended(await node.check(), Result.FAILED, say.CHECK_CODE)
        (tmp_path / "well").touch()
        assert await node.check() == SUCCEEDED

    play(story, command=list(SLEEPER), check=code(f"test -e {tmp_path}/well"))


@processes
def test_a_cancelled_start_leaves_nothing_running(play: Play) -> None:
    async def story(node: Node) -> None:
        starting = asyncio.create_task(node.start())
        await until(lambda: node.bench.record.exists() and node.pid, "it was not launched")
        pid = node.pid
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await until(lambda: not runs(pid), "the application goes on after its start was broken off")
        assert await node.stop() == SUCCEEDED

    play(story, command=list(SLEEPER), startup_ms=15_000)


# --- Before a start --------------------------------------------------------------------------------------------------


@processes
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"command": "/no/such/program"}, say.NO_PROGRAM),
        ({"command": "/bin/true", "check": "/no/such/program"}, say.NO_PROGRAM),
        ({"start": "/bin/true", "stop": "/no/such/program"}, say.NO_PROGRAM),
        ({"command": "/bin/true", "directory": "/no/such/directory"}, say.NO_DIRECTORY),
        ({"command": "/bin/true", "user": "no-such-user"}, say.NO_USER),
    ],
)
def test_what_could_not_start_is_known_beforehand(play: Play, params: dict[str, Any], message: Message) -> None:
    async def story(node: Node) -> None:
        outcome = await node.hands.prepare()
        ended(outcome, Result.FAILED, message)
        assert outcome.said is not None
        assert "no" in outcome.said.ja

    play(story, **params)


@processes
def test_a_start_that_is_hindered_says_why(play: Play) -> None:
    async def story(node: Node) -> None:
        ended(await node.start(), Result.FAILED, say.NO_PROGRAM)
        node.bench.record.parent.write_text("in the way")
        node.take({"command": list(SLEEPER)})
        ended(await node.start(), Result.FAILED, say.NO_RECORD)
        node.bench.record.parent.unlink()

    play(story, command="/no/such/program")


@processes
def test_a_start_without_a_log_succeeds_and_says_so(play: Play) -> None:
    async def story(node: Node) -> None:
        (node.bench.directory / "log").write_text("in the way")
        ended(await node.start(), Result.SUCCEEDED, say.NO_LOG)
        assert runs(node.pid)

    play(story, command=list(SLEEPER))


def test_it_guards_what_it_publishes_and_yet_only_a_reset_ends_it() -> None:
    params = ExecParams.model_validate({"command": "/bin/db", "publishes": ["5432/tcp", "53/udp"]})
    guarded = EXEC.guards(params.model_dump(mode="json"))
    assert (guarded.addresses, guarded.ports) == ((), (("tcp", 5432), ("udp", 53)))
    assert EXEC.guards(ExecParams.model_validate({"command": "/bin/db"}).model_dump(mode="json")).ports == ()
    assert EXEC.traits.ended_by == "reset"
