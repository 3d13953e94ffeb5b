"""What is answered to an operator's request (C10): what is so, why it matters, and the remedy.

A refusal is an error; what is so already is information: asking for it twice is no mistake.
"""

from komainu.model.message import Message

ACCEPTED = Message("KM7701", "Accepted.", "受け付けました。")
NO_GROUP = Message(
    "KM7702",
    "There is no group {group}. `komainu status` lists the groups.",
    "グループ {group} はありません。グループの一覧は `komainu status` で確認できます。",
    "error",
)
NOT_STARTABLE = Message(
    "KM7704",
    "Group {group} may not run on {node}: its startable nodes are {nodes}.",
    "グループ {group} は {node} では起動できません。起動可能なノードは {nodes} です。",
    "error",
)
NOT_USABLE = Message(
    "KM7705",
    "Node {node} cannot take group {group} now: it is {presence}. Wait until `komainu status` shows it Online.",
    "ノード {node} は現在 {presence} のため、グループ {group} を引き受けられません。"
    "`komainu status` で Online になるまで待ってください。",
    "error",
)
NOBODY_USABLE = Message(
    "KM7706",
    "No node can take group {group} now. `komainu status` shows why.",
    "現在グループ {group} を引き受けられるノードがありません。理由は `komainu status` で確認できます。",
    "error",
)
ALREADY_THERE = Message(
    "KM7707",
    "Group {group} is already on {node}. Nothing was changed.",
    "グループ {group} は既に {node} にあります。変更はありません。",
)
ALREADY_STOPPED = Message(
    "KM7708",
    "Group {group} is already stopped. Nothing was changed.",
    "グループ {group} は既に停止しています。変更はありません。",
)
NOT_FORMED = Message(
    "KM7709",
    "The cluster has not formed yet: it waits for the other nodes. Wait until they are there, or until the startup "
    "sync wait is over.",
    "クラスタはまだ構成されていません。他のノードの参加、または起動同期待ち時間の経過を待ってください。",
    "error",
)
HOME_SILENT = Message(
    "KM7710",
    "Group {group} is on {node}, whose daemon does not answer; it cannot be told to stop anything. Restart komainud on "
    "{node} first.",
    "グループ {group} のある {node} のデーモンが応答しないため、停止を指示できません。"
    "先に {node} の komainud を再起動してください。",
    "error",
)
NOT_LOST = Message(
    "KM7711",
    "Node {node} is not lost (it is {presence}); there is nothing to confirm.",
    "ノード {node} は通信不能ではありません ({presence})。確認の必要はありません。",
    "error",
)
WOULD_WAIT = Message(
    "KM7714",
    "Group {group} runs, and could not start on {node} now: node {lost} is lost and may hold it for all that is known. "
    "Make sure that {lost} is off and say so with `komainu node confirm-gone {lost}`, then move the group.",
    "グループ {group} は稼働中ですが、現在 {node} では起動できません。ノード {lost} が通信不能で、停止が確認されて"
    "いないためです。{lost} の停止を確かめて `komainu node confirm-gone {lost}` を実行してから、移動してください。",
    "error",
)
OUTDATED_WORD = Message(
    "KM7713",
    "Nodes were lost or came back since you looked. Make sure again that node {node} is off, then confirm once more.",
    "確認後にノードの離脱または復帰がありました。ノード {node} の停止を改めて確かめてから、もう一度実行してください。",
    "error",
)
CONFIRMED = Message(
    "KM7712",
    "An operator on {origin} confirmed that node {node} is gone.",
    "{origin} の操作者がノード {node} の停止を確認しました。",
    "warning",
)

TOO_OLD = Message(
    "KM7715",
    "A member runs an older release that does not know this command yet. Finish the upgrade of all nodes first.",
    "この操作に対応していない古いリリースのノードがあります。先に全ノードのアップグレードを完了してください。",
    "error",
)
HOME_SUSPENDED = Message(
    "KM7716",
    "Group {group} is on {node}, which is suspended. Resume it first with `komainu node resume {node}`.",
    "グループ {group} のある {node} はサスペンド中です。先に `komainu node resume {node}` で再開してください。",
    "error",
)
ELSEWHERE = Message(
    "KM7717",
    "Group {group} already runs on {node}. Use `komainu group move` to move it.",
    "グループ {group} は既に {node} で起動しています。移動するには `komainu group move` を使用してください。",
    "error",
)
NEEDED = Message(
    "KM7718",
    "Group {group} cannot be stopped: group {other} depends on it. Stop {other} first.",
    "グループ {other} が依存しているため、グループ {group} を停止できません。先に {other} を停止してください。",
    "error",
)
NOTHING_TO_RESTORE = Message(
    "KM7719",
    "Group {group} has no failures to forget. Nothing was changed.",
    "グループ {group} に取り消す異常はありません。変更はありません。",
)
NO_RESOURCE = Message(
    "KM7720",
    "There is no resource {resource} in group {group}. Its resources: {resources}.",
    "グループ {group} にリソース {resource} はありません。リソース: {resources}",
    "error",
)
NOT_UP = Message(
    "KM7721",
    "Group {group} is not started, so {resource} cannot be by itself. Start the group with `komainu group start "
    "{group}`.",
    "グループ {group} が起動していないため、{resource} を個別に操作できません。"
    "`komainu group start {group}` でグループを起動してください。",
    "error",
)
PART_STOPPED = Message(
    "KM7722",
    "{resource} is already stopped. Nothing was changed.",
    "{resource} は既に停止しています。変更はありません。",
)
PART_STARTED = Message(
    "KM7723",
    "{resource} is already started. Nothing was changed.",
    "{resource} は既に起動しています。変更はありません。",
)
NOT_WITH = Message(
    "KM7724",
    "Group {group} may not go to {node}: an exclusion or a dependency on the same node forbids it. Move the other "
    "group first.",
    "排他ルールまたは同一ノードの依存関係により、グループ {group} は {node} に移動できません。"
    "先に相手のグループを移動してください。",
    "error",
)

UNCHANGED = Message("KM7731", "It is so already. Nothing was changed.", "既に指定の状態です。変更はありません。")
NO_NODE = Message(
    "KM7732",
    "There is no node {node}. The nodes are: {nodes}.",
    "ノード {node} はありません。ノード: {nodes}",
    "error",
)
NO_MONITOR = Message(
    "KM7733",
    "There is no monitor {monitor}. `komainu monitor list` lists the monitors.",
    "モニタ {monitor} はありません。モニタの一覧は `komainu monitor list` で確認できます。",
    "error",
)
NOT_THERE = Message(
    "KM7734",
    "Node {node} is {presence}: it takes no orders now.",
    "ノード {node} は {presence} のため、操作できません。",
    "error",
)
IN_MAINTENANCE = Message(
    "KM7735",
    "The maintenance switch is on: nothing is recovered, whatever happens.",
    "メンテナンスモードを開始しました。異常が発生しても復旧処理は行われません。",
    "warning",
)
MAINTENANCE_OVER = Message("KM7736", "The maintenance switch is off.", "メンテナンスモードを終了しました。")
NOT_TOGETHER = Message(
    "KM7741",
    "Not all nodes are there ({nodes}): the cluster is suspended and resumed only with all of them, because each has "
    "to note it. Start them first. To resume without a node that is surely off: `komainu node confirm-gone`.",
    "参加していないノードがあります ({nodes})。クラスタのサスペンドと再開には全ノードの参加が必要です。先に起動して"
    "ください。確実に停止しているノードを除いて再開するには `komainu node confirm-gone` を実行してください。",
    "error",
)
ONLY_TOGETHER = Message(
    "KM7744",
    "It changes how a lost node is judged (nodes, arbitration, its store or times), and not all nodes are there: a "
    "node that is away would go on by the old rules. Bring all nodes together, then apply it again.",
    "通信不能のノードの扱い (ノード、アービトレーション、その投票先または時間) を変更する構成ですが、参加していない"
    "ノードがあり、そのノードは以前の規則のまま動作します。全ノードを参加させてから、もう一度適用してください。",
    "error",
)
NO_MAJORITY_LEFT = Message(
    "KM7745",
    "The nodes that stay are no majority of the old nodes, or none of the new ones: both sets could decide without the "
    "other. Add or remove fewer nodes at once.",
    "残るノードが変更前または変更後のノードの過半数になりません。双方が独立に判断できてしまうため、一度に追加または"
    "削除するノードを減らしてください。",
    "error",
)
LAST_OF_MAJORITY = Message(
    "KM7746",
    "Without node {node} the others are no majority, and everything on them would stop. Start another node first, or "
    "stop the whole cluster with `komainu cluster stop`.",
    "ノード {node} を停止すると残りのノードは過半数に満たなくなり、そこで動作中のすべてのグループが停止します。先に他の"
    "ノードを起動するか、`komainu cluster stop` でクラスタ全体を停止してください。",
    "error",
)
WHOLE = Message(
    "KM7743",
    "The whole cluster is suspended; resume it as a whole with `komainu cluster resume`.",
    "クラスタ全体がサスペンド中です。`komainu cluster resume` でクラスタ全体を再開してください。",
    "error",
)
NOT_ALONE = Message(
    "KM7742",
    "Node {node} runs {groups}: its right to act ends when it loses the others, also while it is suspended, and what "
    "runs there would be cut off. Move the groups first, or suspend the whole cluster with `komainu cluster suspend`.",
    "ノード {node} では {groups} が動作中です。サスペンド中でも、他のノードとの通信が途絶えると動作する権利が終わり、"
    "遮断されます。先にグループを移動するか、`komainu cluster suspend` でクラスタ全体をサスペンドしてください。",
    "error",
)
SUSPENDED = Message(
    "KM7737",
    "Node {node} is suspended: what runs there goes on, nothing is checked, started or stopped.",
    "ノード {node} をサスペンドしました。動作中のものは継続し、監視・起動・停止は行われません。",
    "warning",
)
RESUMED = Message("KM7738", "Node {node} is resumed.", "ノード {node} を再開しました。")

ANOTHER = Message(
    "KM7126",
    "Another configuration is just being applied. Wait until that is over.",
    "別の構成情報を適用中です。完了するまで待ってください。",
    "error",
)

OUTDATED = Message(
    "KM7127",
    "This configuration was made from version {made}, and version {now} is in force. Make your change to that one.",
    "この構成情報は第 {made} 版を基にしていますが、現在の版は第 {now} 版です。現在の版を基に変更してください。",
    "error",
)

STILL_THERE = Message(
    "KM7128",
    "Node {node} cannot be removed: it is {presence}. Stop it first with `komainu node stop {node}`.",
    "ノード {node} は {presence} のため削除できません。先に `komainu node stop {node}` で停止してください。",
    "error",
)

OTHER_CLUSTER = Message(
    "KM7129",
    "The name and the environment of a cluster cannot be changed while it exists.",
    "既存クラスタのクラスタ名と環境は変更できません。",
    "error",
)

NOT_NOW = Message(
    "KM7130",
    "The daemon of node {node} does not answer, though the node is alive. Mend that first, then apply it again.",
    "ノード {node} は動作していますが、デーモンが応答しません。先に復旧してから、もう一度適用してください。",
    "error",
)

MAY_RUN = Message(
    "KM7131",
    "Group {group} would have to stop something on node {node}, which is lost and may still run it. Bring {node} back, "
    "or make sure that it is off and say so with `komainu node confirm-gone {node}`.",
    "グループ {group} のリソースを通信不能のノード {node} で停止する必要がありますが、"
    "{node} で動作中の可能性があります。"
    "{node} を復帰させるか、停止を確かめて `komainu node confirm-gone {node}` を実行してください。",
    "error",
)
