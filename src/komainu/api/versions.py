"""Operations on the versions of the configuration that this node keeps: all, one, what differs between two (C11)."""

from functools import partial
from typing import Any

from pydantic import Field

from komainu.agent.daemon import Daemon
from komainu.api.answers import Answer, SaidAnswer
from komainu.api.operation import READ, Nothing, Operation, OperationRefused, Request
from komainu.config import diff
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.model.provenance import Version
from komainu.types.aside import Aside

DISK_MS = 20_000

NOT_READ = Message(
    "KM6703",
    "The disk of this node does not answer, so the versions of the configuration are not known.",
    "このノードのディスクが応答しないため、構成情報の版を確認できません。",
    "error",
)

Json = dict[str, Any]


class VersionRequest(Request):
    """One version."""

    version: int | None = Field(default=None, ge=1)
    "None: the one that holds."


class DiffRequest(Request):
    """Two versions."""

    old: int | None = Field(default=None, ge=1)
    "None: the one before `new`."
    new: int | None = Field(default=None, ge=1)
    "None: the one that holds."


class DifferenceAnswer(Answer):
    """One thing that differs."""

    path: str
    kind: str
    "`added`, `removed` or `changed`."
    old: Any
    new: Any
    line: str
    "On one line, for people."


class VersionAnswer(Answer):
    """One version on this node."""

    version: int
    at: str
    who: str
    why: str
    origin: str
    holds: bool
    differences: list[DifferenceAnswer] | None
    "From the version before it; None where that is not kept."
    trouble: SaidAnswer | None
    "Why it cannot be read."


class HistoryAnswer(Answer):
    """Every version on this node, oldest first."""

    versions: list[VersionAnswer]


class ContentAnswer(Answer):
    """One version, complete."""

    version: int
    cluster: dict[str, Any]
    text: str
    "The file it was made from; empty where this node does not have it."


class DiffAnswer(Answer):
    """What differs between two versions."""

    old: int
    new: int
    differences: list[DifferenceAnswer]
    consequences: list[SaidAnswer]


async def _history(daemon: Daemon, _: Nothing) -> Json:
    versions = await _from_disk(daemon.around.versions.all)
    holds = daemon.state.cluster.version
    answers: list[Json] = []
    before: Cluster | None = None
    for version in versions:
        if isinstance(version, Said):
            before = None
            answers.append(_version(None, None, holds) | {"trouble": version.as_json()})
            continue
        answers.append(_version(version, before, holds))
        before = version.cluster
    return {"versions": answers}


def _version(version: Version | None, before: Cluster | None, holds: int) -> Json:
    if version is None:
        return dict.fromkeys(("at", "who", "why", "origin"), "") | {
            "version": 0,
            "holds": False,
            "differences": None,
            "trouble": None,
        }
    cluster, about = version.cluster, version.provenance
    follows = before is not None and before.version == cluster.version - 1
    return {
        "version": cluster.version,
        "at": about.at,
        "who": about.who,
        "why": about.why,
        "origin": about.origin,
        "holds": cluster.version == holds,
        "differences": differences(before, cluster) if follows and before is not None else None,
        "trouble": None,
    }


async def _content(daemon: Daemon, request: VersionRequest) -> Json:
    version = await kept(daemon, request.version or daemon.state.cluster.version)
    return {
        "version": version.cluster.version,
        "cluster": version.cluster.model_dump(mode="json"),
        "text": version.text,
    }


async def _diff(daemon: Daemon, request: DiffRequest) -> Json:
    new = await kept(daemon, request.new or daemon.state.cluster.version)
    old = await kept(daemon, request.old or max(1, new.cluster.version - 1))
    return {
        "old": old.cluster.version,
        "new": new.cluster.version,
        "differences": differences(old.cluster, new.cluster),
        "consequences": [said.as_json() for said in diff.consequences(old.cluster, new.cluster).said()],
    }


async def kept(daemon: Daemon, number: int) -> Version:
    """A version of this node's disk. Raises OperationRefused."""
    version: Version = await _from_disk(partial(daemon.around.versions.get, number))
    return version


async def _from_disk(work: Any) -> Any:
    try:
        return await Aside[Any]("versions").do(work, DISK_MS)
    except TimeoutError:
        raise OperationRefused(NOT_READ.said()) from None
    except Exception as error:
        said = getattr(error, "said", None)
        if not isinstance(said, Said):
            raise
        raise OperationRefused(said) from error


def differences(old: Cluster, new: Cluster) -> list[Json]:
    return [
        {"path": each.words, "kind": each.kind, "old": each.old, "new": each.new, "line": each.line()}
        for each in diff.differences(old, new)
    ]


ROWS = (
    Operation("config.history", Nothing, HistoryAnswer, READ, answer_by=_history),
    Operation("config.version", VersionRequest, ContentAnswer, READ, answer_by=_content),
    Operation("config.diff", DiffRequest, DiffAnswer, READ, answer_by=_diff),
)
