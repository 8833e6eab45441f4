"""The outputs of a cell in a notebook's format, kept instead of being sent anywhere."""

from __future__ import annotations

from typing import Any

MAX_OUTPUT = 1_000_000
_TOO_LONG = "\n… (the rest of this cell's output was left out: it is too long)\n"


class Recorder:
    """The outputs of the cell that runs now, in a notebook's format, up to ``limit`` characters."""

    def __init__(self, limit: int = MAX_OUTPUT) -> None:
        self.limit = limit
        self.start()

    def start(self) -> None:
        """Forget what came before."""
        self.outputs: list[dict[str, Any]] = []
        self.size = 0

    def stream(self, name: str, text: str) -> None:
        """Add what was printed."""
        if self.size > self.limit:
            return
        if self.size + len(text) > self.limit:
            text = text[: self.limit - self.size] + _TOO_LONG
        self.size += len(text)
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["parts"].append(text)
        else:
            self.outputs.append({"output_type": "stream", "name": name, "parts": [text]})

    def add(self, output: dict[str, Any]) -> None:
        """Add a picture, a table, a result, an error."""
        self.size += sum(len(part) for part in output.get("data", {}).values() if isinstance(part, str | bytes))
        if self.size <= self.limit:
            self.outputs.append(output)
        else:
            self.stream("stderr", _TOO_LONG)

    def finished(self) -> list[dict[str, Any]]:
        """The outputs as they go into the notebook."""
        return [
            {"output_type": "stream", "name": o["name"], "text": "".join(o["parts"])} if "parts" in o else o
            for o in self.outputs
        ]


class Stream:
    """Standard output or error of the cells, as a text file."""

    encoding, errors, newlines, closed = "utf-8", "strict", None, False

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder, self.name = recorder, name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.recorder.stream(self.name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1 if self.name == "stdout" else 2
