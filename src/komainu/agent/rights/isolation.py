"""The end of this node's effects when its right to act ends (N2): by the kernel, and behind it by a reset.

The kernel drops the packets of what is guarded from the deadline on, whether komainud runs then or not: komainud only
ever puts the end off. What does not end with its packets is stopped in time, or the machine is reset; a watchdog does
that where komainud is frozen or dead. A node on which nothing is at stake is never reset.

The kernel and the watchdog are spoken to by a thread of its own: a transaction of nftables takes some 10 ms, and longer
where others change rules too.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from komainu import ports
from komainu.agent.background import Background
from komainu.agent.ending import Ending
from komainu.agent.rights.clock_speed import ClockSpeed
from komainu.agent.rights.stakes import Stakes, disputed, guarded
from komainu.core.state import State
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.ports import Guarded, ResourceType, Watchdog

LATE_MS: Final = 50
"A request that took longer than this may have been made by a process that stood still: the time is counted anew."
RESET_MS: Final = 300
"How long the journal may take before a reset at the end of the right: others wait not much longer."
CLOSE_MS: Final = 1_000

WEAK = Message(
    "KM8901",
    "The kernel of node {node} cannot cut it off from the network ({reason}). When its right to act ends, what cannot "
    "be stopped in time ends with a reset of the machine only. Komainu needs nftables in the kernel, with the families "
    "inet and arp.",
    "ノード {node} のカーネルでは通信を遮断できません ({reason})。動作する権利が終わったときに停止が間に合わないものは"
    "マシンのリセットでしか終わりません。カーネルに nftables (inet と arp ファミリ) が必要です。",
    "error",
)
WORKS = Message(
    "KM8902",
    "The kernel of node {node} can cut it off from the network again.",
    "ノード {node} のカーネルで通信の遮断が再びできるようになりました。",
)
REMOVED = Message(
    "KM8903",
    "Somebody has removed the rules by which the kernel cuts node {node} off (the nftables tables `komainu`); they are "
    "in place again. Do not empty the whole rule set: a `flush ruleset` in /etc/nftables.conf does that.",
    "ノード {node} の通信を遮断するカーネルの規則 (nftables のテーブル komainu) が削除されたため、再作成しました。"
    "規則全体を消去しないでください (/etc/nftables.conf の flush ruleset など)。",
    "warning",
)
RESETS = Message(
    "KM8904",
    "Node {node} is reset: its right to act has ended, and nothing less ends what did not stop in time ({resources}).",
    "ノード {node} をリセットします。動作する権利が終わりましたが、停止が間に合わず、リセットでしか終わらないリソースが"
    "あります ({resources})。",
    "error",
)
NO_WATCHDOG = Message(
    "KM8905",
    "Node {node} has no watchdog that komainud could use ({reason}), and runs what only a reset ends ({resources}). If "
    "komainud is frozen or dead when the right of the node to act ends, nobody resets the node. Provide a watchdog.",
    "ノード {node} には komainud が使用できるウォッチドッグがありません ({reason})。リセットでしか終わらないリソースが"
    "動作しているため ({resources})、komainud が停止または応答しない間に動作する権利が終わってもリセットされません。"
    "ウォッチドッグを用意してください。",
    "warning",
)
BY_HARDWARE = Message(
    "KM8911",
    "A hardware watchdog ({device}) resets this node when komainud does not, even if the kernel hangs.",
    "komainud が行えない場合、ハードウェアのウォッチドッグ ({device}) がこのノードをリセットします。カーネルが停止して"
    "いても動作します。",
)
BY_SOFTWARE = Message(
    "KM8912",
    "The kernel's software watchdog ({device}) resets this node when komainud does not; a kernel that hangs does not.",
    "komainud が行えない場合、カーネルのソフトウェアウォッチドッグ ({device}) がこのノードをリセットします。カーネルが"
    "停止しているとリセットされません。",
    "warning",
)
BY_SOMETHING = Message(
    "KM8913",
    "A watchdog that does not say what it is resets this node when komainud does not.",
    "komainud が行えない場合、種類の不明なウォッチドッグがこのノードをリセットします。",
    "warning",
)
TAKEN = Message(
    "KM8914",
    "The watchdog of this node ({device}) is in use by another program, such as systemd: only komainud resets the "
    "node, and nobody does while komainud is frozen or dead. Leave the watchdog to komainud.",
    "このノードのウォッチドッグ ({device}) は systemd など他のプログラムが使用中です。リセットできるのは komainud"
    " だけで、komainud が停止または応答しない間は誰もリセットしません。ウォッチドッグを komainud に任せてください。",
    "warning",
)
NONE = Message(
    "KM8915",
    "This node has no watchdog: only komainud resets it, and nobody does while komainud is frozen or dead.",
    "このノードにはウォッチドッグがありません。リセットできるのは komainud だけで、komainud が停止または応答しない間は"
    "誰もリセットしません。",
    "warning",
)

_STRENGTHS: Final = {
    "hardware": BY_HARDWARE,
    "software": BY_SOFTWARE,
    "unclear": BY_SOMETHING,
    "taken": TAKEN,
    "none": NONE,
}

_log = logging.getLogger("komainu")


class Isolation:
    """The isolation of this node, for all of the daemon's life. Needs a running loop; call `close` in the end.

    `follow` comes first: what is guarded is cut off before anything starts. The deadline is komainud's own, in
    CLOCK_BOOTTIME; see `komainu.agent.rights.right`.
    """

    def __init__(
        self,
        me: str,
        types: Mapping[str, ResourceType],
        kernel: ports.Isolation,
        watchdog: Watchdog,
        ending: Ending,
        alert: Callable[[Said], None],
        now_ms: Callable[[], int],
    ) -> None:
        """`watchdog` as the right to act has it: `komainu.agent.rights.watchdog_shares.Shares.right`."""
        self.trouble: Said | None = None
        "Why the kernel cannot cut this node off; None as far as is known."
        self._me = me
        self._types = types
        self._kernel = kernel
        self._watchdog = watchdog
        self._ending = ending
        self._alert = alert
        self._now_ms = now_ms
        self._stakes = Stakes(me, types)
        self._speed = ClockSpeed(me, alert)
        self._cluster: Cluster | None = None
        self._bound: bool | None = None
        "Whether a right is needed; None before that is known."
        self._lock = threading.Lock()
        "Of what is guarded, and of the kernel. It may be waited for as long as a transaction takes."
        self._guarded: Guarded | None = None
        self._until_ms: int | None = None
        "None: this daemon has had no right yet. What an earlier one held runs out as it was."
        self._disputed = True
        "Another node may run by now what may have been left here: what was cut off stays so."
        self._held_ms: int | None = None
        "Until then the kernel lets it through, as this daemon has asked it to."
        self._looks = False
        self._at_stake: tuple[str, ...] = ()
        self._unclear = False
        "This daemon does not know yet what an earlier one has left running."
        self._armed_ms: int | None = None
        self._unarmed = False
        "The watchdog could not be armed, and that was said."
        self._queued = threading.Event()
        self._thread = Background()

    def strength(self) -> Said:
        """What would reset this node in place of komainud, and how surely."""
        means = self._watchdog.means()
        return _STRENGTHS[means.kind].said(device=means.name or "/dev/watchdog")

    def seen(self) -> tuple[Said | None, Said] | None:
        """For status: why the kernel cannot cut this node off, and what would reset it. None: neither has to."""
        return (self.trouble, self.strength()) if self._bound else None

    # --- what the daemon tells -------------------------------------------------------------------------------------

    def follow(self, state: State, *, bound: bool) -> None:
        """The state as it is now; `bound`: this node needs a right to have effects.

        When this returns, what is guarded is cut off, unless the right lasts or an earlier daemon's hold still runs.
        """
        self._stakes.follow(state)
        was_disputed, self._disputed = self._disputed, disputed(self._me, state)
        if was_disputed and not self._disputed and self._bound:
            self._stir()
        if bound != self._bound or state.cluster is not self._cluster:
            changed = guarded(self._me, self._types, state.cluster) if bound else None
            if bound and (not self._bound or changed != self._guarded):
                self._guard(changed or Guarded())
            elif not bound and self._bound is not False:
                self.lift()
            self._bound, self._cluster = bound, state.cluster
        self._weigh()

    def lasts_until(self, until_ms: int) -> None:
        """The right lasts until then. A date, and no time: this process may stand still between two clocks."""
        self._until_ms = until_ms
        self._stir()

    def ended(self) -> None:
        """The right has just ended. What only a reset ends is reset now."""
        self._until_ms = 0
        self._stir()
        names = self._stakes.named(cut=self.trouble is None) if self._bound else ()
        if names:
            self._alert(RESETS.said(node=self._me, resources=", ".join(names)))
            self._ending.end("reset", RESET_MS)
            self._ending.guard(RESET_MS)

    def look(self) -> None:
        """To be called now and then: rules that somebody removed while the right was over are put back."""
        if self._bound:
            self._speed.look()
        if self._bound and (self._until_ms is None or self._until_ms <= self._now_ms()):
            self._looks = True
            self._stir()

    def lift(self) -> None:
        """No right is needed, or nothing is left that could need one: nothing is cut off, nothing resets the node."""
        try:
            with self._lock:
                was, self._guarded, self._until_ms, self._held_ms = self._guarded, None, None, None
                self._at_stake, self._unclear = (), False
                self._kernel.lift()
        except OSError as error:
            if was is not None:
                self._failed(error)
            else:
                _log.info("node %s was not cut off, and its kernel cannot: %s", self._me, error)
        self._bound = False
        self._stir()

    async def close(self) -> None:
        """End the thread. What is guarded stays so, and what is held runs out: that is for the next daemon."""
        if not await self._thread.close(CLOSE_MS):
            _log.warning("the kernel has not answered a change of its rules within %d ms", CLOSE_MS)

    # --- in the event loop -----------------------------------------------------------------------------------------

    def _guard(self, changed: Guarded) -> None:
        try:
            with self._lock:
                self._guarded = changed
                self._kernel.guard(changed)
        except OSError as error:
            self._failed(error)
        self._stir()

    def _weigh(self) -> None:
        """The watchdog is armed for as long as something is at stake."""
        cut, bound = self.trouble is None, bool(self._bound)
        names = self._stakes.named(cut=cut) if bound else ()
        unclear = bound and self._stakes.unclear(cut=cut)
        if (names, unclear) != (self._at_stake, self._unclear):
            self._at_stake, self._unclear = names, unclear
            self._stir()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, OSError):
            raise error  # a defect: the loop's exception handler has it
        said = WEAK.said(node=self._me, reason=str(error))
        if self.trouble is None:
            self._alert(said)
        self.trouble = said
        self._weigh()

    def _worked(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            self._alert(WORKS.said(node=self._me))
            self._weigh()

    def _stir(self) -> None:
        """Let the thread see to it; what is asked for while it is about to look is seen then."""
        if not self._queued.is_set():
            self._queued.set()
            self._thread.do(self._work, self._failed)

    # --- in the thread ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._queued.clear()
        with self._lock:
            try:
                if self._guarded is not None and self._hold(self._guarded) and self.trouble is not None:
                    self._thread.hand_over(self._worked)
            finally:
                self._see_to_watchdog()

    def _hold(self, now_guarded: Guarded) -> bool:
        """Put the end off until the right ends. False: nothing was asked of the kernel. Raises OSError."""
        until_ms, looks, self._looks = self._until_ms, self._looks, False
        if until_ms is None:
            if looks:
                self._kernel.guard(now_guarded)
            return looks
        allowed_ms = 0
        while True:
            asked_ms = self._now_ms()
            left_ms = until_ms - asked_ms - allowed_ms
            try:
                self._kernel.hold(max(0, left_ms), afresh=not self._disputed)
            except FileNotFoundError:
                if self._disputed and (self._held_ms is None or self._held_ms <= asked_ms):
                    return True  # it has been cut off, and is to stay so
                self._kernel.guard(now_guarded)
                self._kernel.hold(max(0, left_ms))
                self._thread.hand_over(partial(self._alert, REMOVED.said(node=self._me)))
            took_ms = self._now_ms() - asked_ms
            if left_ms <= 0 or took_ms <= allowed_ms + LATE_MS:
                self._held_ms = until_ms
                return True
            # The kernel counted from later than we did, by so much at most: that is taken off.
            allowed_ms = took_ms

    def _see_to_watchdog(self) -> None:
        """It fires at the end of the right, or a second later at most."""
        if not self._at_stake and not self._is_left_armed():
            if self._armed_ms is not None:
                self._armed_ms = None
                self._watchdog.disarm()
            self._unarmed = False
            return
        left_ms = -(-((self._until_ms or 0) - self._now_ms()) // 1_000) * 1_000
        if left_ms <= 0:
            return  # it is to fire
        if left_ms == self._armed_ms:
            self._watchdog.pat()
            return
        try:
            self._watchdog.arm(left_ms)
            self._armed_ms, self._unarmed = left_ms, False
        except OSError as error:
            self._armed_ms = None
            if self._at_stake and not self._unarmed:
                self._unarmed = True
                names = ", ".join(self._at_stake)
                said = NO_WATCHDOG.said(node=self._me, reason=str(error), resources=names)
                self._thread.hand_over(partial(self._alert, said))

    def _is_left_armed(self) -> bool:
        """Whether an earlier daemon may have left the watchdog armed, for what may run or not: that is not known yet.

        It is taken over as soon as the right lasts, and disarmed when it turns out that nothing runs.
        """
        return self._unclear and (self._armed_ms is not None or self._watchdog.means().kind in ("taken", "unclear"))
