"""What the `exec` type says."""

from komainu.model.message import Message

TITLE = Message("KM4001", "Application (exec)", "アプリケーション（exec）")
DESCRIPTION = Message(
    "KM4002",
    "An application: a process that Komainu starts and watches itself (`command`), or one that scripts start and stop.",
    "アプリケーション。Komainu が自ら起動して監視するプロセス（`command`）、またはスクリプトで起動・停止するもの。",
)

# --- The configuration -----------------------------------------------------------------------------------------------

NO_FORM = Message(
    "KM4011",
    "Nothing says how the application starts. Give either `command` (a process in the foreground, watched by Komainu) "
    "or `start` and `stop` (scripts).",
    "アプリケーションの起動方法がありません。`command`（フォアグラウンドで動き Komainu が監視するプロセス）か、"
    "`start` と `stop`（スクリプト）のどちらかを指定してください。",
    "error",
)
TWO_FORMS = Message(
    "KM4012",
    "`command` and `{key}` are given together, and only one of them could be followed. Keep `command` for a process "
    "that Komainu watches itself, or `start` and `stop` for scripts.",
    "`command` と `{key}` の両方が指定されていますが、従えるのは一方だけです。Komainu がプロセスを監視するなら "
    "`command` だけ、スクリプトを使うなら `start` と `stop` だけにしてください。",
    "error",
)
HALF_A_PAIR = Message(
    "KM4013",
    "`{key}` is missing. Scripts come in pairs: what `start` brings up, `stop` must take down before another node may "
    "start it.",
    "`{key}` がありません。スクリプトは対で必要です。`start` で起動したものは、別のノードで起動する前に `stop` で"
    "停止しなければなりません。",
    "error",
)
GROUP_ALONE = Message(
    "KM4018",
    "`group` is given without `user`: the application would keep the rights of root. Add `user`.",
    "`user` なしで `group` が指定されています。このままではアプリケーションは root の権限で動きます。`user` を指定して"
    "ください。",
    "error",
)

# --- Before a start --------------------------------------------------------------------------------------------------

NO_PROGRAM = Message(
    "KM4021",
    "{resource} cannot run on {node}: {text}. Install the program there, or correct the path and make the file "
    "executable.",
    "{node} で {resource} を実行できません（{text}）。プログラムをインストールするか、パスを直して実行権限を付けて"
    "ください。",
    "error",
)
NO_DIRECTORY = Message(
    "KM4022",
    "{resource} cannot run on {node}: {text}. Make the directory, or correct `directory`.",
    "{node} で {resource} を実行できません（{text}）。ディレクトリを作成するか、`directory` を直してください。",
    "error",
)
NO_USER = Message(
    "KM4023",
    "{resource} cannot run on {node}: {text}. Create the user or group there, or correct `user` and `group`.",
    "{node} で {resource} を実行できません（{text}）。ユーザまたはグループを作成するか、`user` と `group` を直して"
    "ください。",
    "error",
)
NO_RECORD = Message(
    "KM4024",
    "What runs for {resource} on {node} cannot be written down: {text}. Without the record it could be lost sight of "
    "when the daemon restarts. Make room in /run and see that it can be written.",
    "{node} の {resource} の実行状態を記録できません（{text}）。記録がないと、デーモンの再起動後に見失うおそれが"
    "あります。/run に空きを作り、書き込めるようにしてください。",
    "error",
)
NOT_STARTED = Message(
    "KM4025",
    "The system did not start {resource} on {node}: {text}. Check the memory and the limits of processes and files.",
    "{node} で {resource} を起動できませんでした（{text}）。メモリと、プロセス数・ファイル数の上限を確認してください。",
    "error",
)
REMAINS = Message(
    "KM4026",
    "Processes of {resource} on {node} are still running, although they were sent SIGKILL: {pids}. The kernel holds "
    "them, often because of a disk that does not answer. Mend that, or restart the node.",
    "{node} の {resource} のプロセスが SIGKILL を送っても終了しません: {pids}。応答しないディスクなどのために"
    "カーネル内で待たされています。原因を取り除くか、ノードを再起動してください。",
    "error",
)
NO_LOG = Message(
    "KM4027",
    "{resource} runs on {node}, but its output is not kept: {text}. Make room in the directory of the logs.",
    "{node} で {resource} は動作していますが、出力を保存できません（{text}）。ログのディレクトリに空きを作って"
    "ください。",
    "warning",
)

# --- A supervised process --------------------------------------------------------------------------------------------

ENDED = Message(
    "KM4031",
    "{resource} on {node} ended by itself with exit code {code}. If the program goes to the background, let it stay "
    "in the foreground, or use `start` and `stop`. Its last output is in the detail.",
    "{node} の {resource} が終了コード {code} で終了しました。バックグラウンドに移るプログラムの場合は、フォア"
    "グラウンドで動かすか `start` と `stop` を使ってください。最後の出力は詳細にあります。",
    "error",
)
KILLED = Message(
    "KM4032",
    "{resource} on {node} was ended by signal {name}. Its last output is in the detail.",
    "{node} の {resource} がシグナル {name} で終了しました。最後の出力は詳細にあります。",
    "error",
)
GONE = Message(
    "KM4033",
    "{resource} on {node} ended. How is not known, since an earlier run of the daemon had started it. Its last output "
    "is in the detail.",
    "{node} の {resource} が終了しました。再起動前のデーモンが起動したプロセスのため、終了の理由はわかりません。"
    "最後の出力は詳細にあります。",
    "error",
)
NOT_RUNNING = Message(
    "KM4034",
    "{resource} is not running on {node}.",
    "{node} で {resource} は動作していません。",
    "error",
)
ORPHANS = Message(
    "KM4035",
    "{resource} on {node} is not running as it should, but processes of it are still there: {pids}. Stop it; that "
    "ends them.",
    "{node} の {resource} は正常に動作していませんが、プロセスが残っています: {pids}。停止すると、それらも終了します。",
    "warning",
)
DAMAGED = Message(
    "KM4036",
    "Whether {resource} runs on {node} is not known: its record cannot be read. Stop it; that ends what is left and "
    "removes the record.",
    "{node} で {resource} が動作しているかどうかわかりません。記録を読めないためです。停止すると、残ったプロセスを"
    "終了して記録を削除します。",
    "warning",
)

# --- Scripts ---------------------------------------------------------------------------------------------------------

START_CODE = Message(
    "KM4041",
    "The start script of {resource} on {node} ended with exit code {code}. Its last output is in the detail.",
    "{node} の {resource} の開始スクリプトが終了コード {code} で終了しました。最後の出力は詳細にあります。",
    "error",
)
START_SIGNAL = Message(
    "KM4042",
    "The start script of {resource} on {node} was ended by signal {name}. Its last output is in the detail.",
    "{node} の {resource} の開始スクリプトがシグナル {name} で終了しました。最後の出力は詳細にあります。",
    "error",
)
START_TIMEOUT = Message(
    "KM4043",
    "The start script of {resource} on {node} did not end within {limit_ms} ms; it was killed with all that it had "
    "started. Raise `start_timeout_ms`, or see in the detail what it waited for.",
    "{node} の {resource} の開始スクリプトが {limit_ms} ミリ秒以内に終わらなかったため、起動したものすべてとともに"
    "強制終了しました。`start_timeout_ms` を延ばすか、何を待っていたかを詳細で確認してください。",
    "error",
)
STOP_CODE = Message(
    "KM4044",
    "The stop script of {resource} on {node} ended with exit code {code}: the application may still be running. Its "
    "last output is in the detail.",
    "{node} の {resource} の終了スクリプトが終了コード {code} で終了しました。アプリケーションがまだ動作している"
    "おそれがあります。最後の出力は詳細にあります。",
    "error",
)
STOP_SIGNAL = Message(
    "KM4045",
    "The stop script of {resource} on {node} was ended by signal {name}: the application may still be running. Its "
    "last output is in the detail.",
    "{node} の {resource} の終了スクリプトがシグナル {name} で終了しました。アプリケーションがまだ動作している"
    "おそれがあります。最後の出力は詳細にあります。",
    "error",
)
STOP_TIMEOUT = Message(
    "KM4046",
    "The stop script of {resource} on {node} did not end within {limit_ms} ms and was killed: whether the application "
    "still runs is not known. Raise `stop_timeout_ms`, or see in the detail what it waited for.",
    "{node} の {resource} の終了スクリプトが {limit_ms} ミリ秒以内に終わらなかったため、強制終了しました。"
    "アプリケーションがまだ動作しているかどうかはわかりません。`stop_timeout_ms` を延ばすか、何を待っていたかを詳細で"
    "確認してください。",
    "error",
)
CHECK_CODE = Message(
    "KM4047",
    "The check of {resource} on {node} found an error: exit code {code}. Its last output is in the detail.",
    "{node} の {resource} の監視スクリプトが異常を検出しました（終了コード {code}）。最後の出力は詳細にあります。",
    "error",
)
CHECK_SIGNAL = Message(
    "KM4048",
    "The check of {resource} on {node} was ended by signal {name}. Its last output is in the detail.",
    "{node} の {resource} の監視スクリプトがシグナル {name} で終了しました。最後の出力は詳細にあります。",
    "error",
)
CHECK_TIMEOUT = Message(
    "KM4049",
    "The check of {resource} on {node} did not end within {limit_ms} ms and was killed. Its last output is in the "
    "detail.",
    "{node} の {resource} の監視スクリプトが {limit_ms} ミリ秒以内に終わらなかったため、強制終了しました。"
    "最後の出力は詳細にあります。",
    "error",
)
UNSEEN = Message(
    "KM4050",
    "Whether {resource} runs on {node} is not known: the end of its last start or stop was not seen. Stop it, or give "
    "a `check` that can tell.",
    "{node} で {resource} が動作しているかどうかわかりません。直前の開始または終了スクリプトの結果を確認できて"
    "いません。停止するか、状態を判定できる `check` を指定してください。",
    "warning",
)

ALL = tuple(value for value in dict(globals()).values() if isinstance(value, Message))
