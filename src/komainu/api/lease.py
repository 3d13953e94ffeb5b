"""The vote record and its store, for operators: write the first record, look at it, examine the store (N3).

The record is made here and nowhere else, and only while all configured nodes are together: a record that is missing may
have been deleted while another node held the vote in it. docs/en/lease.md says the same to administrators.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from komainu.agent.daemon import Daemon
from komainu.agent.residents import VoteTold
from komainu.agent.rights.claimant import MISSING, OF_ANOTHER, SET_BACK, UNREADABLE
from komainu.agent.rights.voting import EXAMINE_MS, NO_STORE
from komainu.api.answers import Answer, CommandAnswer, SaidAnswer
from komainu.api.command import together
from komainu.api.operation import OPERATE, READ, Nothing, Operation, OperationRefused, Request
from komainu.core import rights
from komainu.core.state import Presence, State
from komainu.model import answers
from komainu.model.message import Message, Said
from komainu.model.signature import signed
from komainu.model.vote import Record, record
from komainu.ports import Held, StoreSilent, VoteStore

TOLD_MS = 3_000
"How long the other daemons may take to tell what they remember; they do not ask the store for that."
SPARE_MS = 2_000
ANSWER_S = 1.0
"Beyond the time-out that a store keeps by itself."

NO_LEASE = Message(
    "KM6401",
    "The arbitration of this cluster is `{kind}`: it has no third vote, and no record of one.",
    "このクラスタのアービトレーションは {kind} のため、第三の投票とそのレコードはありません。",
    "error",
)
APART = Message(
    "KM6402",
    "Nothing was written: not all nodes are together ({nodes}). A node that is away may hold the vote in the record "
    "that is there or was there. Bring all nodes together first.",
    "レコードは作成していません。参加していないノード ({nodes}) があり、現在または以前のレコードで投票権を持っている"
    "可能性があります。先に全ノードを参加させてください。",
    "error",
)
UNHEARD = Message(
    "KM6403",
    "Nothing was written: {nodes} did not say which vote record it has seen, and might refuse a new one. Look at "
    "`komainu status`, and try again when all nodes run the same release.",
    "レコードは作成していません。{nodes} から確認済みの投票レコードの情報が得られず、新しいレコードを拒否する可能性が"
    "あります。`komainu status` で状態を確認し、全ノードが同じリリースで動作していることを確かめて再実行してください。",
    "error",
)
EXISTS = Message(
    "KM6404",
    "Nothing was written: a vote record of epoch {epoch} is there, of cluster {cluster}. `komainu lease show` shows "
    "it, `komainu lease init --replace` replaces it.",
    "レコードは作成していません。クラスタ {cluster} のエポック {epoch} の投票レコードが既にあります。"
    "`komainu lease show` で確認できます。置き換えるには `komainu lease init --replace` を実行してください。",
    "error",
)
SOMETHING = Message(
    "KM6405",
    "Nothing was written: something is there that is no vote record ({reason}). `komainu lease init --replace` "
    "replaces it.",
    "レコードは作成していません。投票レコードとして読み取れないもの ({reason}) が既にあります。置き換えるには "
    "`komainu lease init --replace` を実行してください。",
    "error",
)
ANOTHER_NOW = Message(
    "KM6406",
    "Nothing was written: the record is another one than you looked at. Look at it again, then decide.",
    "レコードは作成していません。確認後にレコードが変化しました。もう一度内容を確認してから実行してください。",
    "error",
)
WRITTEN = Message(
    "KM6407",
    "The vote record was written with epoch {epoch}.",
    "エポック {epoch} の投票レコードを作成しました。",
)
WRITTEN_BY = Message(
    "KM6408",
    "{who} on {node} wrote a new vote record with epoch {epoch}.",
    "{node} の {who} が、エポック {epoch} の投票レコードを新たに作成しました。",
    "warning",
)
NOT_SURE = Message(
    "KM6409",
    "It is not known whether the vote record was written: {reason} `komainu lease show` tells; if it was not, give "
    "the command again.",
    "投票レコードが作成されたかどうか不明です: {reason} `komainu lease show` で確認し、作成されていなければ再実行して"
    "ください。",
    "error",
)
NO_ANSWER = Message(
    "KM6410",
    "The store did not answer within {ms} ms.",
    "投票先から {ms} ミリ秒以内に応答がありません。",
    "error",
)
DID_NOT_SAY = Message(
    "KM6411",
    "Node {node} did not say how it reaches the store. It has to be on, with its daemon running in this release.",
    "ノード {node} から投票先の確認結果が得られません。同じリリースの komainud が動作している必要があります。",
    "error",
)
UNTOUCHED = Message(
    "KM6412",
    "Nothing was written: the store did not answer. {reason}",
    "レコードは作成していません。投票先が応答しません。{reason}",
    "error",
)

Json = dict[str, Any]


class InitRequest(Request):
    """Write the record."""

    replace: bool = False
    "Also in the place of one that is there."
    version: str | None = None
    "The version that the operator has seen; another one is not replaced."
    who: str = ""
    "Who gives the command."


class RecordAnswer(Answer):
    """The vote record."""

    cluster: str
    config: int
    "The version of the configuration of who wrote it."
    epoch: int
    owner: str | None
    incarnation: str | None
    "Of the owner's daemon."
    mode: str
    "`alone`: the owner acts without the others. `together`: nobody does."
    current: dict[str, list[str]]
    "Per mirror, the nodes whose copy is complete."
    wait_ms: int


class KnownAnswer(Answer):
    """What a node remembers."""

    node: str
    epoch: int | None
    "Of the newest vote record it has ever seen; None when it did not say."


class LeaseAnswer(Answer):
    """The store of the third vote, and what it holds."""

    type: str
    params: dict[str, Any]
    "Of the store, as configured."
    took_ms: int
    "How long the store took to answer."
    version: str | None
    "In the words of the store; None when there is no record."
    record: RecordAnswer | None
    trouble: SaidAnswer | None
    "Why there is no record that can be used."
    known_for_ms: int | None
    "For how long the answering node has known owner, mode and epoch to be so; None when it did not know."
    right_ms: int
    wait_ms: int
    known: list[KnownAnswer]


class ExaminedAnswer(Answer):
    """What one node found out about the store."""

    node: str
    answered: bool
    took_ms: int | None
    findings: list[SaidAnswer]


class CheckAnswer(Answer):
    """The examination of the store."""

    good: bool
    "All nodes have examined it, nothing that is an error was found, and the record can be used."
    nodes: list[ExaminedAnswer]
    record: list[SaidAnswer]
    "What is wrong with the record itself."


@dataclass(frozen=True, slots=True)
class _Look:
    held: Held | None
    record: Record | None
    trouble: Said | None
    took_ms: int


async def _show(daemon: Daemon, _: Nothing) -> Json:
    state, store = _store(daemon)
    told, look = await asyncio.gather(daemon.residents.votes(TOLD_MS, examine=False), _look(state, store))
    trouble = look.trouble or _set_back(look.record, told)
    lease, seen = state.cluster.arbitration.lease, daemon.parts.voting.seen()
    known = seen.record if seen is not None else None
    same = known is not None and look.record is not None and _essence(known) == _essence(look.record)
    return {
        "type": lease.type if lease is not None else "",
        "params": dict(lease.params) if lease is not None else {},
        "took_ms": look.took_ms,
        "version": look.held.version if look.held is not None else None,
        "record": _shown(look.record) if look.record is not None else None,
        "trouble": trouble.as_json() if trouble is not None else None,
        "known_for_ms": seen.known_for_ms if seen is not None and same else None,
        "right_ms": state.cluster.arbitration.right_ms,
        "wait_ms": state.cluster.arbitration.wait_ms,
        "known": [{"node": node, "epoch": each.epoch if each is not None else None} for node, each in told.items()],
    }


async def _check(daemon: Daemon, _: Nothing) -> Json:
    """Every node examines the store at the same time; then the record is looked at."""
    state, store = _store(daemon)
    told = await daemon.residents.votes(EXAMINE_MS + SPARE_MS, examine=True)
    trouble: list[Said] = []
    try:
        look = await _look(state, store)
        found = look.trouble or _set_back(look.record, told)
        trouble += [found] if found is not None else []
    except OperationRefused as refused:
        trouble.append(refused.said)
    nodes = [_examined(node, each) for node, each in told.items()]
    return {
        "good": not trouble and all(each["level"] != "error" for node in nodes for each in node["findings"]),
        "nodes": nodes,
        "record": [said.as_json() for said in trouble],
    }


async def _init(daemon: Daemon, request: InitRequest) -> Json:
    state, store = _store(daemon)
    await together(daemon)
    _refuse_apart(daemon.state)
    told = await daemon.residents.votes(TOLD_MS, examine=False)
    unheard = [node for node, each in told.items() if each is None]
    if unheard:
        raise OperationRefused(UNHEARD.said(nodes=", ".join(unheard)))
    try:
        look = await _look(state, store)
    except OperationRefused as refused:
        raise OperationRefused(UNTOUCHED.said(reason=refused.said)) from None
    _refuse_overwriting(state, look, request)
    _refuse_apart(daemon.state)  # the store and the others have taken their time
    written = _next(daemon.state, look.record, max(each.epoch for each in told.values() if each is not None))
    await _write(store, look.held, written, state.cluster.arbitration.store_timeout_ms)
    who = signed(request.who, "")
    daemon.parts.recorder.alert(WRITTEN_BY.said(who=who, node=daemon.around.me, epoch=written.epoch))
    return {"accepted": True, "said": WRITTEN.said(epoch=written.epoch).as_json(), "course": None}


def _store(daemon: Daemon) -> tuple[State, VoteStore]:
    state = daemon.state
    if state.cluster.arbitration.kind != "lease":
        raise OperationRefused(NO_LEASE.said(kind=state.cluster.arbitration.kind))
    store = daemon.parts.voting.store(state.cluster)
    if store is None:
        raise OperationRefused(NO_STORE.said(reason="-"))
    return state, store


async def _look(state: State, store: VoteStore) -> _Look:
    """What is there. Raises OperationRefused when the store does not answer."""
    loop, name = asyncio.get_running_loop(), state.cluster.name
    began = loop.time()
    held = await _read(store, state.cluster.arbitration.store_timeout_ms)
    took_ms = int((loop.time() - began) * 1000)
    if held is None:
        return _Look(None, None, MISSING.said(), took_ms)
    try:
        found = record(held.text)
    except ValueError as error:
        return _Look(held, None, UNREADABLE.said(reason=str(error)), took_ms)
    trouble = OF_ANOTHER.said(other=found.cluster, cluster=name) if found.cluster != name else None
    return _Look(held, found, trouble, took_ms)


async def _read(store: VoteStore, timeout_ms: int) -> Held | None:
    try:
        async with asyncio.timeout(timeout_ms / 1000 + ANSWER_S):
            return await store.read(timeout_ms)
    except TimeoutError:
        raise OperationRefused(NO_ANSWER.said(ms=timeout_ms)) from None
    except StoreSilent as silent:
        raise OperationRefused(silent.said) from None


async def _write(store: VoteStore, held: Held | None, written: Record, timeout_ms: int) -> None:
    """Write it, in the place of exactly what was read; raises OperationRefused, also when nobody knows.

    Whatever is no clear success is read back: the nonce tells whether it was written.
    """
    text, said = written.text(), ANOTHER_NOW.said()
    try:
        async with asyncio.timeout(timeout_ms / 1000 + ANSWER_S):
            if held is None:
                version = await store.create(text, timeout_ms)
            else:
                version = await store.replace(held.version, text, timeout_ms)
    except TimeoutError:
        version, said = None, NOT_SURE.said(reason=NO_ANSWER.said(ms=timeout_ms))
    except StoreSilent as silent:
        version, said = None, NOT_SURE.said(reason=silent.said)
    if version is not None:
        return
    try:
        after = await _read(store, timeout_ms)
    except OperationRefused as refused:
        raise OperationRefused(NOT_SURE.said(reason=refused.said)) from None
    if after is None or after.text != text:
        raise OperationRefused(said)


def _refuse_apart(state: State) -> None:
    missing = [name for name, facts in state.nodes.items() if facts.presence is not Presence.MEMBER]
    if not rights.together(state):
        raise OperationRefused(APART.said(nodes=", ".join(missing)))
    if state.change is not None:
        raise OperationRefused(answers.ANOTHER.said())


def _refuse_overwriting(state: State, look: _Look, request: InitRequest) -> None:
    if look.held is None:
        if request.version is not None:
            raise OperationRefused(ANOTHER_NOW.said())
        return
    if not request.replace and look.record is None:
        assert look.trouble is not None
        raise OperationRefused(SOMETHING.said(reason=look.trouble))
    if not request.replace and look.record is not None:
        raise OperationRefused(EXISTS.said(epoch=look.record.epoch, cluster=look.record.cluster))
    if request.version is not None and request.version != look.held.version:
        raise OperationRefused(ANOTHER_NOW.said())


def _next(state: State, old: Record | None, known_epoch: int) -> Record:
    """The new record: newer than anything that any node has seen. Complete copies stay what they are."""
    ours = old if old is not None and old.cluster == state.cluster.name else None
    wait_ms = max(state.cluster.arbitration.wait_ms, state.floor_ms, ours.wait_ms if ours is not None else 0)
    return Record(
        cluster=state.cluster.name,
        config=state.cluster.version,
        epoch=max(known_epoch, state.won, ours.epoch if ours is not None else 0) + 1,
        current=ours.current if ours is not None else {},
        wait_ms=wait_ms,
        nonce=secrets.token_hex(8),
    )


def _set_back(found: Record | None, told: dict[str, VoteTold | None]) -> Said | None:
    """An old copy: some node has seen a newer one."""
    known = max((each.epoch for each in told.values() if each is not None), default=0)
    if found is None or found.epoch >= known:
        return None
    return SET_BACK.said(epoch=found.epoch, known=known)


def _examined(node: str, told: VoteTold | None) -> Json:
    findings = (DID_NOT_SAY.said(node=node),) if told is None else told.findings
    return {
        "node": node,
        "answered": told is not None,
        "took_ms": told.took_ms if told is not None else None,
        "findings": [said.as_json() for said in findings],
    }


def _essence(found: Record) -> tuple[Any, ...]:
    return (found.owner, found.mode, found.epoch)


def _shown(found: Record) -> Json:
    return {
        "cluster": found.cluster,
        "config": found.config,
        "epoch": found.epoch,
        "owner": found.owner.node if found.owner is not None else None,
        "incarnation": found.owner.incarnation if found.owner is not None else None,
        "mode": found.mode,
        "current": {mirror: list(nodes) for mirror, nodes in found.current.items()},
        "wait_ms": found.wait_ms,
    }


ROWS = (
    Operation("lease.show", Nothing, LeaseAnswer, READ, answer_by=_show),
    Operation("lease.check", Nothing, CheckAnswer, OPERATE, answer_by=_check),
    Operation("lease.init", InitRequest, CommandAnswer, OPERATE, answer_by=_init),
)
