"""What is kept of the configuration, as answers: also what cannot be read, and a disk that does not answer."""

import asyncio
import threading
from pathlib import Path

import pytest

from komainu.api import versions
from komainu.api.operation import OperationRefused
from komainu.model.message import Message, Said
from komainu.model.provenance import Provenance, Version
from tests.doubles.daemons import World, cluster

BROKEN = Message("TEST9", "damaged", "破損", "error")


def with_daemon(folder: Path, story: object) -> None:
    async def told() -> None:
        async with World(folder, cluster()) as world:
            world.start("n1")
            await story(world)  # type: ignore[operator]

    asyncio.run(told())


def test_a_version_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        kept = world.versions["n1"]
        second = Version(cluster(version=2, language="ja"), Provenance("2026-11-22T11:00:00Z", "mika", "try", "n2"))
        third = Version(cluster(version=3), Provenance("2026-11-22T12:00:00Z"))

        def known() -> tuple[Version | Said, ...]:
            return (kept.held[0], second, BROKEN.said(), third)

        kept.all = known  # type: ignore[method-assign]
        answer = await versions._history(world.running["n1"].daemon, versions.Nothing())
        one, two, damaged, three = answer["versions"]
        assert (one["version"], one["holds"], one["differences"]) == (1, True, None)
        assert [each["line"] for each in two["differences"]] == ['~ language: "en" -> "ja"']
        assert damaged["trouble"]["en"] == "damaged"
        assert (three["differences"], three["who"]) == (None, "")
        versions.HistoryAnswer.model_validate(answer)

    with_daemon(tmp_path, story)


def test_without_numbers_the_last_change_is_told(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        daemon = world.running["n1"].daemon
        answer = await versions._diff(daemon, versions.DiffRequest())
        assert (answer["old"], answer["new"], answer["differences"]) == (1, 1, [])
        content = await versions._content(daemon, versions.VersionRequest())
        assert (content["version"], content["text"]) == (1, "# first")
        with pytest.raises(OperationRefused, match="no version 7"):
            await versions._content(daemon, versions.VersionRequest(version=7))

    with_daemon(tmp_path, story)


def test_a_disk_that_does_not_answer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "DISK_MS", 50)
    let_go = threading.Event()

    async def story(world: World) -> None:
        world.versions["n1"].get = lambda number: let_go.wait(10)  # type: ignore[method-assign,assignment,return-value]
        with pytest.raises(OperationRefused) as refused:
            await versions._content(world.running["n1"].daemon, versions.VersionRequest())
        assert refused.value.said.code == versions.NOT_READ.code
        let_go.set()

    with_daemon(tmp_path, story)
