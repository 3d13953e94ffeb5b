"""What each event changes. Nothing is decided here: the rules that follow read these facts.

An event that no longer fits (the outcome of an action that is not pending, a verdict about an earlier run, a timer
that is not armed) changes nothing: agents repeat themselves until they are heard, and after a partition they may
speak of another history (laws 8 and 9).
"""

from typing import assert_never

from komainu.core import change, commands, holdings, monitors, presence, rights, suspension, timers
from komainu.core.state import State
from komainu.model import events as e
from komainu.model.copies import replace
from komainu.model.message import Said


def absorb(state: State, event: e.Event, cause: Said, rules: int) -> State:
    """The state with what the event tells."""
    match event:
        case e.ViewChanged():
            return presence.view_changed(change.abandon(state, change.MEMBERS_CHANGED.said()), event)
        case e.MembersSynced():
            state = presence.members_synced(change.abandon(state, change.MEMBERS_CHANGED.said()), event)
            return suspension.met(state, event.members)
        case e.AgentSilent():
            if presence.agent_silent(state, event) is state:
                return state
            return presence.agent_silent(change.abandon(state, change.MEMBERS_CHANGED.said()), event)
        case e.NodeLeaving():
            return presence.node_leaving(state, event)
        case e.ActionFinished():
            return holdings.action_finished(state, event, rules)
        case e.NodeProbed():
            return holdings.node_probed(state, event)
        case e.MonitorChanged():
            return holdings.monitor_changed(state, event)
        case e.MonitorJudged():
            return monitors.judged(state, event)
        case e.ConfigurationJudged():
            return change.judged(state, event)
        case e.TimerFired():
            if event.timer not in state.timers:
                return state
            rest = {timer: ms for timer, ms in state.timers.items() if timer != event.timer}
            return timers.fire(replace(state, timers=rest), event.timer)
        case e.VoteWon():
            return rights.vote_won(state, event)
        case e.VoteLost():
            return rights.vote_lost(state, event)
        case e.RightEnding():
            return rights.right_ending(state, event)
        case e.RightRegained():
            return rights.right_regained(state, event)
        case e.SuspensionNoted():
            return suspension.noted(state, event)
        case e.CommandGiven():
            return commands.obey(state, event, cause, rules)
        case _:
            assert_never(event)
