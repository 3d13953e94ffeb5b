"""The generated parts of the documents for users: `make docs` writes them, a test says when they are out of date.

    python3 -m komainu_lab.docs

Each part stands between two marks. What is around them is written by hand and stays as it is.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import komainu
from komainu.agent.alert_record import module_of
from komainu.catalogue import FENCES, LEASES, MONITORS, NOTIFICATIONS, TYPES
from komainu.config.reference import reference
from komainu.model.message import Language, Level, Message
from komainu_lab.remedies import remedies_page

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES: tuple[Language, ...] = ("en", "ja")

SECTIONS: Mapping[str, tuple[str, str]] = {
    "KM10": ("cluster.yaml: the file", "cluster.yaml: ファイルの形式"),
    "KM11": ("cluster.yaml: keys and values", "cluster.yaml: キーと値"),
    "KM12": ("cluster.yaml: what does not fit together", "cluster.yaml: 全体の整合性"),
    "KM13": ("The configuration in force", "有効な構成情報"),
    "KM15": ("A changed configuration: what follows", "構成変更の影響"),
    "KM16": ("cluster.yaml: monitors, recovery, times", "cluster.yaml: モニタ、復旧、時間"),
    "KM17": ("cluster.yaml: arbitration", "cluster.yaml: アービトレーション"),
    "KM20": ("Corosync: the connection", "Corosync: 接続"),
    "KM21": ("Corosync: its configuration", "Corosync: 設定"),
    "KM22": ("Corosync: start and end", "Corosync: 起動と終了"),
    "KM31": ("AWS resources: activation", "AWS リソース: 活性"),
    "KM32": ("AWS resources: deactivation", "AWS リソース: 非活性"),
    "KM33": ("AWS monitors: errors", "AWS モニタ: 異常"),
    "KM34": ("AWS monitors: warnings", "AWS モニタ: 警告"),
    "KM35": ("AWS resources: the standby is not ready", "AWS リソース: 待機系の準備不足"),
    "KM36": ("AWS resources: it is not known whether the standby is ready", "AWS リソース: 待機系の準備状況が不明"),
    "KM37": ("AWS addresses: virtual IP, EIP, private IP, DNS", "AWS のアドレス: 仮想 IP、EIP、プライベート IP、DNS"),
    "KM38": ("Floating IP", "フローティング IP"),
    "KM39": ("Notifications: mail, webhook, Amazon SNS", "通知: メール、Webhook、Amazon SNS"),
    "KM40": ("Applications (exec)", "アプリケーション（exec）"),
    "KM42": ("IP monitors (ipw)", "IP モニタ（ipw）"),
    "KM43": ("Custom monitors (genw)", "カスタムモニタ（genw）"),
    "KM44": ("TCP monitors", "TCP モニタ"),
    "KM45": ("HTTP monitors", "HTTP モニタ"),
    "KM46": ("Process monitors", "プロセスモニタ"),
    "KM47": ("Disk use monitors", "ディスク使用率モニタ"),
    "KM48": ("User space monitors (userw)", "ユーザ空間モニタ（userw）"),
    "KM49": ("Network partition monitors (reach)", "ネットワークパーティションのモニタ（reach）"),
    "KM50": ("This node and the others", "このノードと他のノード"),
    "KM51": ("Attempts on resources", "リソースに対する処理"),
    "KM52": ("A new configuration on this node", "このノードでの新しい構成情報"),
    "KM53": ("Journal and files", "ジャーナルとファイル"),
    "KM54": ("Status and safety statement", "状態の説明と安全性"),
    "KM55": ("The daemon", "デーモン"),
    "KM56": ("The vote and the right to act", "投票と動作する権利"),
    "KM57": ("The alert log and notifications", "アラートログと通知"),
    "KM58": ("Fencing", "強制停止"),
    "KM59": ("The safety of a configuration, explained", "構成の安全性の説明"),
    "KM60": ("Socket, key and files", "ソケット、鍵、ファイル"),
    "KM61": ("The command", "コマンド"),
    "KM64": ("The vote record", "投票レコード"),
    "KM65": ("Questions to the alert log", "アラートログへの問い合わせ"),
    "KM66": ("Journal files: replay and report", "ジャーナルのファイル: 再実行と報告書"),
    "KM67": ("Changing the configuration", "構成情報の変更"),
    "KM70": ("What happened: the beginning of a chain of causes", "起きたこと: 原因の連鎖の始まり"),
    "KM71": ("Nodes come and go", "ノードの参加と離脱"),
    "KM72": ("Outcomes and fencing", "処理の結果と強制停止"),
    "KM73": ("Which nodes count as gone", "停止済みとみなすノード"),
    "KM74": ("Why a group waits", "グループが待機する理由"),
    "KM75": ("Recovery", "復旧"),
    "KM76": ("Where groups run", "グループの配置"),
    "KM77": ("Answers to commands", "コマンドへの応答"),
    "KM78": ("Waits that are over", "待ち時間の終了"),
    "KM79": ("States of members", "メンバーの状態の一致"),
    "KM85": ("The third vote: its stores", "第三の投票: 投票先"),
    "KM86": ("The witness", "Witness サーバ"),
    "KM89": ("Isolation of a node whose right has ended", "動作する権利が終わったノードの隔離"),
}
"""The title of each section of the messages' page, by the beginning of the codes in it."""

LEFT_OUT: Mapping[str, str] = {
    "KM14": "words of the configuration's reference",
    "KM30": "titles and descriptions of types; they are in the configuration's reference",
}
"""Beginnings of codes that no administrator meets with their code, and why."""

LEVELS: Mapping[Level, tuple[str, str]] = {
    "info": ("info", "情報"),
    "warning": ("warning", "警告"),
    "error": ("error", "エラー"),
}


class NotOneMeaning(ValueError):
    """One code stands for two messages."""


class NoPlace(ValueError):
    """A document lacks the marks of its generated part, or a message has no section."""


@dataclass(frozen=True, slots=True)
class Part:
    """One generated part: it stands in the document of that name in each language."""

    document: str
    begin: str
    end: str
    text: Callable[[Language], str]

    def of(self, language: Language) -> str:
        """What stands there today."""
        return self.text(language)

    def placed(self, text: str, language: Language) -> str:
        """The document with the part in its place. Raises NoPlace."""
        before, found, rest = text.partition(self.begin)
        _, ended, after = rest.partition(self.end)
        if not found or not ended:
            raise NoPlace(f"{self.document}: the mark {self.begin if not found else self.end!r} is missing")
        return f"{before}{self.begin}\n{self.of(language)}\n{self.end}{after}"


PARTS = (
    Part(
        "configuration.md",
        "<!-- The reference begins: made from the program, not to be edited -->\n",
        "<!-- The reference ends -->\n",
        lambda language: reference(TYPES, language, MONITORS, NOTIFICATIONS, LEASES, FENCES),
    ),
    Part(
        "messages.md",
        "<!-- The remedies begin: made from the program, not to be edited -->\n",
        "<!-- The remedies end -->\n",
        lambda language: remedies_page(declared(), language),
    ),
    Part(
        "messages.md",
        "<!-- The messages begin: made from the program, not to be edited -->\n",
        "<!-- The messages end -->\n",
        lambda language: messages_page(declared(), language),
    ),
)


def declared() -> Mapping[str, Message]:
    """Every message that the product declares, by code, in the order of the codes. Raises NotOneMeaning."""
    found: dict[str, Message] = {}
    for module in _modules():
        for message in _messages_in(vars(module)):
            known = found.setdefault(message.code, message)
            if known != message:
                raise NotOneMeaning(f"{message.code} in {module.__name__}: {known.en!r} and {message.en!r}")
    return dict(sorted(found.items()))


def messages_page(messages: Mapping[str, Message], language: Language) -> str:
    """The tables of the messages' page. Raises NoPlace for a message of which no section knows."""
    rows: dict[str, list[str]] = {beginning: [] for beginning in SECTIONS}
    for code, message in messages.items():
        if code[:4] in LEFT_OUT:
            continue
        if code[:4] not in rows:
            raise NoPlace(f"{code} has no section: give {code[:4]} a title in {__name__}.SECTIONS")
        rows[code[:4]].append(_row(message, language))
    lines: list[str] = []
    for beginning, told in rows.items():
        if told:
            title = SECTIONS[beginning][LANGUAGES.index(language)]
            lines += [f"### {beginning}xx: {title}", "", *_head(language), *told, ""]
    return "\n".join(lines).rstrip() + "\n"


def write(docs: Path = DOCS) -> list[Path]:
    """Bring every generated part up to date; the documents that changed. Raises NoPlace, NotOneMeaning."""
    changed: dict[Path, None] = {}
    for part in PARTS:
        for language in LANGUAGES:
            path = docs / language / part.document
            text = path.read_text(encoding="utf-8")
            fresh = part.placed(text, language)
            if fresh != text:
                path.write_text(fresh, encoding="utf-8")
                changed[path] = None
    return list(changed)


def main() -> None:
    """Write, and say what changed."""
    changed = write()
    for path in changed:
        print(f"written: docs/{path.relative_to(DOCS)}")
    if not changed:
        print("The documents are up to date.")


def _modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(komainu.__path__, f"{komainu.__name__}."):
        if not found.name.endswith(".__main__"):
            yield importlib.import_module(found.name)


def _messages_in(names: Mapping[str, Any]) -> Iterator[Message]:
    """Messages that are constants of a module, alone or in a table: its rows are declared nowhere else."""
    for value in names.values():
        if isinstance(value, Message):
            yield value
        elif isinstance(value, tuple | Mapping):
            rows = value.values() if isinstance(value, Mapping) else value
            yield from (each for each in rows if isinstance(each, Message))


def _head(language: Language) -> tuple[str, str]:
    if language == "ja":
        return "| コード | モジュール | 種別 | メッセージ | 英語 |", "| --- | --- | --- | --- | --- |"
    return "| Code | Module | Level | Message |", "| --- | --- | --- | --- |"


def _row(message: Message, language: Language) -> str:
    level = LEVELS[message.level][LANGUAGES.index(language)]
    texts = (message.en,) if language == "en" else (message.ja, message.en)
    return "| " + " | ".join((message.code, module_of(message.code), level, *map(_cell, texts))) + " |"


def _cell(text: str) -> str:
    # Between backticks everything is shown as it is written.
    pieces = text.split("`")
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "`".join(pieces).replace("|", "\\|").replace("\n", "<br>")


if __name__ == "__main__":
    main()
