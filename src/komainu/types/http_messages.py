"""What the `http` type says."""

from komainu.model.message import Message

TITLE = Message("KM3023", "HTTP monitor", "HTTP モニタ")
DESCRIPTION = Message(
    "KM3024",
    "Asks a web server for a page: whether it answers with the expected status and, if wished, the expected text.",
    "Web サーバに要求を送り、期待するステータスコード（必要なら文字列）が返るかどうかを確認する。",
)

# --- An error --------------------------------------------------------------------------------------------------------

REFUSED = Message(
    "KM4501",
    "Detected an error in monitoring {monitor}. (5 : Failed to connect to {url}.)",
    "監視 {monitor} は異常を検出しました。(5 : {url} に接続できません。)",
    "error",
)
TIMEOUT = Message(
    "KM4502",
    "Detected an error in monitoring {monitor}. (6 : Timeout occurred. ({url}))",
    "監視 {monitor} は異常を検出しました。(6 : タイムアウトが発生しました。({url}))",
    "error",
)
UNREACHABLE = Message(
    "KM4503",
    "Detected an error in monitoring {monitor}. (7 : {url} cannot be reached.)",
    "監視 {monitor} は異常を検出しました。(7 : {url} に到達できません。)",
    "error",
)
NO_NAME = Message(
    "KM4504",
    "Detected an error in monitoring {monitor}. (8 : The host name of {url} cannot be resolved.)",
    "監視 {monitor} は異常を検出しました。(8 : {url} のホスト名を解決できません。)",
    "error",
)
STATUS = Message(
    "KM4505",
    "Detected an error in monitoring {monitor}. (9 : {url} answered with status {status}.)",
    "監視 {monitor} は異常を検出しました。(9 : {url} がステータスコード {status} を返しました。)",
    "error",
)
NO_TEXT = Message(
    "KM4506",
    "Detected an error in monitoring {monitor}. (10 : The answer of {url} does not contain the expected text.)",
    "監視 {monitor} は異常を検出しました。(10 : {url} の応答に期待する文字列がありません。)",
    "error",
)
TLS = Message(
    "KM4507",
    "Detected an error in monitoring {monitor}. (11 : The TLS connection to {url} was not accepted.)",
    "監視 {monitor} は異常を検出しました。(11 : {url} との TLS 接続を確立できません。)",
    "error",
)
GARBLED = Message(
    "KM4508",
    "Detected an error in monitoring {monitor}. (12 : {url} did not answer as a web server does.)",
    "監視 {monitor} は異常を検出しました。(12 : {url} の応答が HTTP として正しくありません。)",
    "error",
)

# --- A warning -------------------------------------------------------------------------------------------------------

WARN_TIMEOUT = Message(
    "KM4512",
    "Warn monitoring {monitor}. (106 : Timeout occurred. ({url}))",
    "監視 {monitor} は警告の状態です。(106 : タイムアウトが発生しました。({url}))",
    "warning",
)
WARN_UNREACHABLE = Message(
    "KM4513",
    "Warn monitoring {monitor}. (107 : {url} cannot be reached.)",
    "監視 {monitor} は警告の状態です。(107 : {url} に到達できません。)",
    "warning",
)
WARN_NO_NAME = Message(
    "KM4514",
    "Warn monitoring {monitor}. (108 : The host name of {url} cannot be resolved.)",
    "監視 {monitor} は警告の状態です。(108 : {url} のホスト名を解決できません。)",
    "warning",
)

# --- Not known -------------------------------------------------------------------------------------------------------

NO_CA = Message(
    "KM4518",
    "Warn monitoring {monitor}. (111 : The certificates in {path} cannot be used on this node. Correct `ca_file`; the "
    "detail has the reason.)",
    "監視 {monitor} は警告の状態です。(111 : このノードで {path} の証明書を使用できません。`ca_file` を直してください。"
    "理由は詳細を参照してください。)",
    "warning",
)
NOT_TRIED = Message(
    "KM4519",
    "Warn monitoring {monitor}. (199 : This node could not ask {url}. The detail has the reason.)",
    "監視 {monitor} は警告の状態です。(199 : このノードから {url} に要求を送れません。理由は詳細を参照してください。)",
    "warning",
)

# --- The configuration -----------------------------------------------------------------------------------------------

BAD_URL = Message(
    "KM4521",
    "`{url}` is not an address that could be asked. Write `http://host/path` or `https://host:port/path`, without user "
    "and password.",
    "`{url}` には要求を送れません。`http://ホスト/パス` または `https://ホスト:ポート/パス` の形で、ユーザ名と"
    "パスワードを付けずに書いてください。",
    "error",
)
HEAD_HAS_NO_TEXT = Message(
    "KM4522",
    "`text` is given with the method HEAD, whose answer has no text. Use GET.",
    "メソッド HEAD の応答に本文はないため、`text` は使えません。GET を使ってください。",
    "error",
)
NO_TLS = Message(
    "KM4523",
    "`ca_file` is given, but no certificate is looked at: {why}. Remove it, or use https with `verify: true`.",
    "`ca_file` が指定されていますが、証明書は検証されません（{why}）。削除するか、https と `verify: true` を使って"
    "ください。",
    "error",
)

ALL = tuple(value for value in dict(globals()).values() if isinstance(value, Message))
