"""The first link of every chain of causes: one sentence for each kind of event."""

from typing import assert_never

from komainu.model import events as e
from komainu.model.commands import subject
from komainu.model.message import Message, Said
from komainu.model.outcome import Result

VIEW = Message("KM7001", "The members are now: {members}.", "メンバーは {members} になりました。")
NO_MEMBERS = Message("KM7002", "There is no member.", "メンバーがいません。")
SYNCED = Message(
    "KM7003", "All members hold the state of {source}.", "全メンバーの状態を {source} の状態に揃えました。"
)
SILENT = Message("KM7004", "The daemon of {node} is silent.", "{node} のデーモンから応答がありません。")
FINISHED = Message("KM7005", "Action {action} on {node} succeeded.", "{node} の動作 {action} が成功しました。")
NOT_FINISHED = Message(
    "KM7006", "Action {action} on {node} ended as {result}.", "{node} の動作 {action} の結果は {result} です。"
)
PROBED = Message("KM7007", "{node} was probed.", "{node} の実際の状態を調べました。")
NORMAL = Message("KM7008", "{resource} on {node} is normal.", "{node} の {resource} は正常です。")
IN_ERROR = Message("KM7009", "{resource} on {node} is in error.", "{node} の {resource} が異常です。")
UNCLEAR = Message(
    "KM7010", "The check of {resource} on {node} had no result.", "{node} の {resource} は確認できません。"
)
FIRED = Message("KM7011", "The wait {timer} is over.", "待ち時間 {timer} が終わりました。")
LEAVING = Message("KM7012", "{node} is asked to leave.", "{node} に離脱が指示されました。")
COMMAND = Message(
    "KM7013",
    "An operator on {node} gave the command {verb} {what}.",
    "{node} で {verb} {what} が指示されました。",
)
FOUND = Message(
    "KM7014", "Monitor {monitor} on {node}: {result}.", "{node} のモニタ {monitor} の結果は {result} です。"
)
AGREED = Message("KM7015", "{node} agrees with the new configuration.", "{node} は新しい構成情報に同意しました。")
VOTE_WON = Message("KM7017", "{node} has won the vote.", "{node} が投票権を得ました。")
VOTE_LOST = Message("KM7018", "{node} has lost the vote.", "{node} が投票権を失いました。")
RIGHT_ENDING = Message("KM7019", "The right of {node} to act ends.", "{node} の動作する権利が終わります。")
REGAINED = Message("KM7020", "{node} may act again.", "{node} は再び動作できます。")
SUSPENSION_NOTED = Message(
    "KM7021", "{node} has noted how far the suspension has come.", "{node} がサスペンドの進行を記録しました。"
)
OBJECTED = Message("KM7016", "{node} objects to the new configuration.", "{node} は新しい構成情報を拒否しました。")


def headline(event: e.Event) -> Said:
    """The event in one sentence."""
    match event:
        case e.ViewChanged():
            return VIEW.said(members=", ".join(event.members)) if event.members else NO_MEMBERS.said()
        case e.MembersSynced():
            return SYNCED.said(source=event.source)
        case e.AgentSilent():
            return SILENT.said(node=event.node)
        case e.ActionFinished():
            if event.outcome.succeeded:
                return FINISHED.said(action=event.action, node=event.node)
            return NOT_FINISHED.said(action=event.action, node=event.node, result=event.outcome.result)
        case e.NodeProbed():
            return PROBED.said(node=event.node)
        case e.MonitorChanged():
            verdict = {Result.SUCCEEDED: NORMAL, Result.FAILED: IN_ERROR, Result.UNKNOWN: UNCLEAR}
            return verdict[event.outcome.result].said(resource=event.resource, node=event.node)
        case e.MonitorJudged():
            return FOUND.said(monitor=event.monitor, node=event.node, result=event.outcome.result)
        case e.ConfigurationJudged():
            return (OBJECTED if event.refusals else AGREED).said(node=event.node)
        case e.TimerFired():
            return FIRED.said(timer=event.timer)
        case e.VoteWon():
            return VOTE_WON.said(node=event.node)
        case e.VoteLost():
            return VOTE_LOST.said(node=event.node)
        case e.RightEnding():
            return RIGHT_ENDING.said(node=event.node)
        case e.RightRegained():
            return REGAINED.said(node=event.node)
        case e.SuspensionNoted():
            return SUSPENSION_NOTED.said(node=event.node)
        case e.NodeLeaving():
            return LEAVING.said(node=event.node)
        case e.CommandGiven():
            return COMMAND.said(node=event.origin, verb=event.command.verb, what=subject(event.command))
        case _:
            assert_never(event)
