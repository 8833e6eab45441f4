"""A student's outputs and texts, made safe to show: a grader's browser must not run what a student wrote.

Formgrader shows notebooks as web pages, logged in as the grader, who may change every grade. So scripts and
everything that could carry one are taken out of what students print, display and write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

MAX_BYTES = 1 << 20
_PICTURES = ("image/png", "image/jpeg")
_TAGS = re.compile(
    "a|b|big|blockquote|br|caption|center|code|col|colgroup|dd|del|details|div|dl|dt|em|font|h[1-6]|hr|i|ins|kbd|li|mark|"
    "ol|p|pre|q|s|samp|small|span|strike|strong|style|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|u|ul"
)
_ATTRIBUTES = re.compile(
    "align|bgcolor|border|class|colspan|halign|id|rowspan|scope|scoped|style|title|valign|width",
)
_TAG = re.compile(r"<(?=[/!?a-zA-Z])")
_ALLOWED_IN_TEXT = re.compile(r"</?(b|br|code|del|em|i|kbd|mark|p|pre|s|strong|sub|sup|u)\s*/?>", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def clean_outputs(outputs: Any, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
    """What may be shown of a cell's outputs, as valid notebook outputs of at most ``limit`` characters."""
    cleaned: list[dict[str, Any]] = []
    for raw in outputs if isinstance(outputs, list) else []:
        output = _output(raw) if isinstance(raw, dict) else None
        if output is None:
            continue
        limit -= _size(output)
        if limit < 0:
            cleaned.append({"output_type": "stream", "name": "stderr", "text": "… (the rest was too long)\n"})
            break
        cleaned.append(output)
    return cleaned


def clean_text(text: str) -> str:
    """A student's Markdown without HTML, but for tags that only format."""
    return _TAG.sub(lambda match: "<" if _ALLOWED_IN_TEXT.match(text, match.start()) else "&lt;", text)


def keep_seen(outputs: Any) -> list[dict[str, Any]]:
    """Of the outputs saved in a student's file, those that are plain text or pictures."""
    kept = []
    for output in clean_outputs(outputs):
        if output["output_type"] in ("display_data", "execute_result"):
            data = {kind: part for kind, part in output["data"].items() if kind in ("text/plain", *_PICTURES)}
            output = {"output_type": "display_data", "data": data, "metadata": {}}
        kept.append(output)
    return kept


def _output(raw: dict[str, Any]) -> dict[str, Any] | None:
    kind = raw.get("output_type")
    if kind == "stream":
        name = "stderr" if raw.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _joined(raw.get("text"))}
    if kind == "error":
        lines = [str(line) for line in raw["traceback"]] if isinstance(raw.get("traceback"), list) else []
        text = {key: str(raw.get(key, "")) for key in ("ename", "evalue")}
        return {"output_type": "error", **text, "traceback": [_without_escapes(line) for line in lines[:60]]}
    if kind in ("display_data", "execute_result") and isinstance(raw.get("data"), dict):
        data = {k: shown for k, part in raw["data"].items() if (shown := _shown(k, part)) is not None}
        output: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
        if kind == "execute_result":
            count = raw.get("execution_count")
            output["execution_count"] = count if type(count) is int else None
        return output if data else None
    return None


def _shown(kind: Any, part: Any) -> Any:
    text = _joined(part)
    if kind in ("text/plain", "text/latex"):
        return text
    if kind == "text/markdown":
        return clean_text(text)
    if kind in _PICTURES:
        return text if _BASE64.fullmatch(text) else None
    if kind == "text/html":
        return text if is_harmless(text) else None
    return None


def is_harmless(html: str) -> bool:
    """Whether a piece of HTML only formats: known tags, no handler, no address but a plain link."""
    checker = _Checker()
    checker.harmless = not any(start in html for start in ("<?", "<!", "</!"))
    try:
        checker.feed(html)
        checker.close()
    except Exception:
        return False
    return checker.harmless


class _Checker(HTMLParser):
    harmless = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.harmless = self.harmless and bool(_TAGS.fullmatch(tag)) and all(self._fine(tag, *pair) for pair in attrs)

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        if "url(" in data.lower() or "@import" in data.lower():
            self.harmless = False

    @staticmethod
    def _fine(tag: str, name: str, value: str | None) -> bool:
        value = (value or "").strip().lower()
        if name == "href":
            return tag == "a" and value.startswith(("https://", "http://", "#"))
        if name == "type":
            return (tag, value) == ("style", "text/css")
        return bool(_ATTRIBUTES.fullmatch(name)) and "url(" not in value and "expression(" not in value


def _joined(part: Any) -> str:
    if isinstance(part, list):
        return "".join(str(line) for line in part)
    return part if isinstance(part, str) else ""


def _without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def _size(output: dict[str, Any]) -> int:
    texts: Iterable[Any] = (output.get("text", ""), *output.get("data", {}).values(), *output.get("traceback", []))
    return sum(len(text) for text in texts if isinstance(text, str))
