"""The text of `cluster.yaml` becomes a `Cluster`, or a list of everything that is wrong with it (C11)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from komainu.config import network_partition, parameters, refusals, schema, yaml_text
from komainu.config.complete import complete, ordered
from komainu.config.declared import Declared
from komainu.config.problem import Finding, Path, Problem, path_text
from komainu.config.rules import arbitration, judge, safety
from komainu.config.shape import ClusterFile
from komainu.config.yaml_tree import Document
from komainu.model.config import Cluster
from komainu.model.message import Message
from komainu.ports import FenceType, LeaseType, MonitorType, NotifierType, ResourceType

MAX_PROBLEMS = 200
"""More are counted, not listed: by then the file is not a configuration."""

NOT_A_CONFIGURATION = Message(
    "KM1020",
    "The file must consist of the sections `cluster:`, `nodes:` and `groups:`, each starting in the first column.",
    "ファイルは `cluster:`、`nodes:`、`groups:` の節からなり、それぞれ行頭から始まる必要があります。",
    "error",
)
AND_MORE = Message(
    "KM1021",
    "{count} further problems are not listed. Mend the ones above first.",
    "ほかに {count} 件の問題があります。まず上の問題を直してください。",
    "error",
)
INCOMPLETE = Message(
    "KM1022",
    "The values are right each for itself, but no cluster can be made of them ({reason}). This is a defect of "
    "Komainu: please report it with the file.",
    "個々の値は正しいものの、クラスタの構成にできませんでした（{reason}）。Komainu の不具合です。ファイルを添えて"
    "報告してください。",
    "error",
)
MESSAGES = (NOT_A_CONFIGURATION, AND_MORE, INCOMPLETE)

NONE: Mapping[str, Any] = MappingProxyType({})
_ARBITRATION: Path = ("cluster", "arbitration")
_HIDES_WHAT_IS_INSIDE = (refusals.NOT_SECTION.code, refusals.NOT_LIST.code, refusals.NO_VALUE.code)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text turned out to be."""

    cluster: Cluster | None
    "The configuration; None when there is an error."
    problems: tuple[Problem, ...]
    "Errors, warnings and notes, in the order of the file."

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid the use of the file."""
        return tuple(problem for problem in self.problems if problem.is_error)


def read(
    text: bytes,
    types: Mapping[str, ResourceType],
    version: int = 1,
    *,
    monitors: Mapping[str, MonitorType] = NONE,
    notifiers: Mapping[str, NotifierType] = NONE,
    leases: Mapping[str, LeaseType] = NONE,
    fences: Mapping[str, FenceType] = NONE,
) -> Reading:
    """Read a configuration file. Never raises for what is in the text; `version` is the one the cluster will have.

    `types`, `monitors` and so on: what the names in the file may stand for.
    """
    declared = Declared(types, monitors, notifiers, leases, fences)
    document = yaml_text.parse(text)
    if document.root is None:
        return Reading(None, tuple(document.problems))
    data = document.plain()
    if not isinstance(data, dict):
        found = [*document.problems]
        if not document.unreadable(()):
            found.append(_located(Finding((), NOT_A_CONFIGURATION.said()), document))
        return Reading(None, _listed(found))
    cluster = complete(data, declared, version)
    findings = [*_shape(data, declared), *parameters.findings(cluster, declared), *judge(cluster, declared)]
    findings = [network_partition.placed(finding, data) for finding in findings]
    problems = [*document.problems, *(_located(finding, document) for finding in _telling(findings, document))]
    if not any(problem.is_error for problem in problems):
        try:
            cluster = Cluster.model_validate(ordered(cluster).model_dump(warnings=False))
        except ValidationError as error:
            problems.append(_located(Finding((), INCOMPLETE.said(reason=refusals.summary(error))), document))
    listed = _listed(problems)
    return Reading(None if any(problem.is_error for problem in listed) else cluster, listed)


def _shape(data: dict[str, Any], declared: Declared) -> Iterable[Finding]:
    """What the form of the file forbids, whatever the types are."""
    unchosen = False
    try:
        ClusterFile.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        keys_at = partial(schema.keys_at, schema.of_declared(declared))
        for finding in refusals.findings(error, data, keys_at):
            if finding.path in (_ARBITRATION, (*_ARBITRATION, "kind")):
                unchosen = True
            else:
                yield parameters.misplaced(finding, data, declared)
    section = data.get("cluster")
    if not isinstance(section, dict):
        return
    if unchosen:
        yield Finding(_ARBITRATION, arbitration.choose(section.get("arbitration")))
    yield from arbitration.of_form(section.get("arbitration"))
    if "preset" in section and "detect_within_ms" in section:
        yield Finding(("cluster", "preset"), safety.DETECT_TWICE.said(), at_key=True)


def _telling(findings: Iterable[Finding], document: Document) -> Iterable[Finding]:
    """Without what only follows from another finding: nothing is said about the inside of what could not be read."""
    kept = [finding for finding in dict.fromkeys(findings) if not document.unreadable(finding.path)]
    closed = {finding.path for finding in kept if finding.said.code in _HIDES_WHAT_IS_INSIDE}
    misspelt = {finding.meant for finding in kept if finding.meant}
    for finding in kept:
        inside = any(finding.path[:length] in closed for length in range(len(finding.path)))
        if not inside and not (finding.said.code == refusals.MISSING.code and finding.path in misspelt):
            yield finding


def _located(finding: Finding, document: Document) -> Problem:
    line, column = document.find(finding.path, finding.at_key)
    return Problem(line, column, path_text(finding.path), finding.said)


def _listed(problems: list[Problem]) -> tuple[Problem, ...]:
    """In the order of the file, and no more than anybody would read; errors are never left out for warnings."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(ordered)
    first = sorted(ordered, key=lambda problem: not problem.is_error)[:MAX_PROBLEMS]
    last = ordered[-1]
    more = Problem(last.line, last.column, "", AND_MORE.said(count=len(ordered) - MAX_PROBLEMS))
    return (*sorted(first, key=lambda problem: (problem.line, problem.column)), more)
