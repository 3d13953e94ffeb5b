"""A notice as text for people: the subject and the body of a mail, of an SNS message."""

from collections.abc import Iterator
from dataclasses import replace

from komainu.model.message import Language
from komainu.ports.notifiers import Alert, Notice

_LEVELS = {"info": ("INFO", "情報"), "warning": ("WARNING", "警告"), "error": ("ERROR", "エラー")}


def subject(notice: Notice) -> str:
    """One line: the cluster, the highest level, and the sentence or the number of alerts."""
    return f"[Komainu {notice.cluster}] {_heading(notice)}"


def short_subject(notice: Notice, most: int) -> str:
    """As `subject` in English and ASCII, cut off at `most` characters: for whoever takes no more."""
    english = subject(replace(notice, language="en"))
    line = "".join(sign if " " <= sign <= "~" else "?" for sign in english)
    return line if len(line) <= most else line[: most - 3] + "..."


def body(notice: Notice) -> str:
    """All of it, in the cluster's language; below each sentence the same in the other one."""
    return "\n".join(_lines(notice)) + "\n"


def _heading(notice: Notice) -> str:
    language = notice.language
    if notice.test:
        return _pick(language, f"test from {notice.sender}", f"{notice.sender} からのテスト")
    level = _pick(language, *_LEVELS[notice.level])
    if notice.count == 1:
        alert = notice.alerts[0]
        return f"{level} {alert.code}: {_one_line(alert.text(language))}"
    return _pick(language, f"{level}: {notice.count} alerts", f"{level}: アラート {notice.count} 件")


def _lines(notice: Notice) -> Iterator[str]:
    language = notice.language
    if notice.test:
        yield _pick(
            language,
            "This is a test of the notifications of Komainu. Nothing has happened.",
            "Komainu の通知のテストです。実際のアラートではありません。",
        )
        yield ""
    for alert in notice.alerts:
        yield from _alert(alert, language)
        yield ""
    if notice.left_out:
        told = ", ".join(f"{code} x {count}" for code, count in notice.left_out)
        count = notice.count - len(notice.alerts)
        yield _pick(
            language,
            f"And {count} further alerts in the same time: {told}. `komainu alerts` shows all.",
            f"ほかに同じ時間帯に {count} 件のアラートがありました: {told}。`komainu alerts` で全件を確認できます。",
        )
        yield ""
    yield _pick(
        language,
        f"-- Cluster {notice.cluster}, sent by {notice.sender}",
        f"-- クラスタ {notice.cluster}、送信元 {notice.sender}",
    )


def _alert(alert: Alert, language: Language) -> Iterator[str]:
    level = _pick(language, *_LEVELS[alert.level])
    node = alert.node or _pick(language, "(cluster)", "（クラスタ）")
    yield f"{alert.at}  {level}  {alert.module}  {alert.code}  {node}"
    yield f"  {alert.text(language)}"
    other = alert.text("en" if language == "ja" else "ja")
    if other != alert.text(language):
        yield f"  {other}"
    for line in alert.detail.strip().splitlines():
        yield f"    {line}"


def _pick(language: Language, en: str, ja: str) -> str:
    return ja if language == "ja" else en


def _one_line(text: str) -> str:
    return " ".join(text.split())
