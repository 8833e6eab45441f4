"""IPython without Jupyter's machinery: runs cells, keeps their outputs as a notebook would, opens no socket.

Everything that makes a notebook a notebook is IPython's own: magics, ``!commands``, display, top-level await.
Left out is what talks to a browser. A shell takes 50 ms to set up, so it is made once, before forking.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from course_lib.grading.integrity import CELL
from course_lib.grading.processes.describe import describe_error
from course_lib.grading.processes.recorder import Recorder, Stream

# What IPython may read otherwise than Python does: an indented or empty first line, prompts, and a line that begins
# with one of its own signs, ends in a question mark, or assigns what a magic or a command gives.
_NO_PYTHON = re.compile(r"\A[ \t]|\A\s*\n|\A\s*\Z|>>>|In \[|^\s*\.\.\.|^\s*[%!?,;/]|\?\s*$|=\s*[%!][^=]", re.MULTILINE)


@functools.cache
def _transformers() -> tuple[list[Any], list[Any], list[Any]]:
    """What IPython itself does to a cell."""
    manager = TransformerManager()
    return manager.cleanup_transforms, manager.line_transforms, manager.token_transformers


class _Publisher(DisplayPublisher):
    recorder: Recorder

    def publish(self, data: Any, metadata: Any = None, **_: Any) -> None:
        """``display(…)``."""
        self.recorder.add({"output_type": "display_data", "data": _json(data), "metadata": metadata or {}})

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002 (IPython's signature)
        self.recorder.start()


class _Hook(DisplayHook):
    recorder: Recorder

    def write_output_prompt(self) -> None:
        """No “Out[1]:”: the notebook draws its own."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        output = {"output_type": "execute_result", "data": _json(format_dict), "metadata": md_dict or {}}
        self.recorder.add({**output, "execution_count": self.prompt_count})

    def finish_displayhook(self) -> None:
        """IPython prints an empty line here."""


class _Compiler(CachingCompiler):
    cell_name = "cell"

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:  # noqa: ARG002
        return f"{CELL}{self.cell_name}>"


class Shell(InteractiveShell):
    """A notebook's shell that keeps outputs instead of sending them."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    compiler_class = Type(_Compiler)

    def transform_cell(self, raw_cell: str) -> str:
        """Magics and the like made Python: not looked for with a tokenizer where a cell can't hold any."""
        manager = self.input_transformer_manager
        kinds = (manager.cleanup_transforms, manager.line_transforms, manager.token_transformers)
        own = kinds != _transformers() or self.input_transformers_post
        if own or len(raw_cell.splitlines()) < 2 or _NO_PYTHON.search(raw_cell):
            return super().transform_cell(raw_cell)
        return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"

    def should_run_async(self, raw_cell: str, **given: Any) -> bool:
        """Whether a cell awaits something at its top level, which takes a compilation to know where it may."""
        return ("await" in raw_cell or "async" in raw_cell) and super().should_run_async(raw_cell, **given)

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window system."""

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Record the error that is being handled, with the lines of the notebook's own cells only."""
        self.recorder.add({"output_type": "error", **describe_error(sys.exc_info()[1])})

    def showsyntaxerror(self, filename: Any = None, running_compiled_code: bool = False) -> None:  # noqa: ARG002
        self.showtraceback()

    def _format_exception_for_storage(self, exception: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """IPython keeps errors in its history, coloured and with much context; nobody reads that history here."""
        return describe_error(exception)

    def system(self, cmd: str) -> None:
        """``!command``: what it prints becomes the cell's output."""
        self.user_ns["_exit_code"] = self._piped(cmd)

    def _piped(self, command: str) -> int:
        import subprocess

        done = subprocess.run(  # the student's own command, in the student's own sandbox
            self.var_expand(command, depth=2), shell=True, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        self.recorder.stream("stdout", done.stdout.decode(errors="replace"))
        self.recorder.stream("stderr", done.stderr.decode(errors="replace"))
        return done.returncode


def new_shell() -> Shell:
    """A shell, and in it a first cell that loads what IPython loads at first use."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.autoindent = False
    main = sys.modules["__main__"]
    shell = Shell.instance(config=config)
    shell.main_module = sys.modules["__main__"]
    shell.recorder = Recorder()
    shell.display_pub.recorder = shell.displayhook.recorder = shell.recorder
    out, sys.stdout = sys.stdout, Stream(shell.recorder, "stdout")
    try:
        shell.run_cell("1 + 1", store_history=False)
        shell.reset()
    finally:
        sys.stdout = out
        sys.modules["__main__"] = main
    shell.execution_count = 1
    shell.recorder.start()
    return shell


def occupy(shell: Shell) -> None:
    """Make this process the shell's own: ``__main__``, standard streams, no keyboard."""
    import builtins

    sys.modules["__main__"] = shell.main_module
    sys.stdout, sys.stderr = Stream(shell.recorder, "stdout"), Stream(shell.recorder, "stderr")
    builtins.input = _no_keyboard
    shell.builtin_trap.activate()


def run_cell(shell: Shell, source: str, name: str) -> dict[str, Any]:
    """Run one cell: ``status`` ok or error, the error's name, message and lines, and the outputs."""
    shell.recorder.start()
    shell.compile.cell_name = name
    result = shell.run_cell(source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, SystemExit):
        shell.recorder.add({"output_type": "error", **describe_error(error)})
    answer: dict[str, Any] = {"status": "error" if error is not None else "ok"}
    if error is not None:
        answer |= describe_error(error)
    return answer | {"outputs": shell.recorder.finished()}


def _json(data: Any) -> dict[str, Any]:
    import base64

    return {
        kind: base64.b64encode(part).decode() if isinstance(part, bytes) else part
        for kind, part in dict(data).items()
        if isinstance(part, str | bytes | dict | list)
    }


def _no_keyboard(prompt: object = "") -> str:
    raise EOFError(f"input({prompt!r}): nobody sits at the keyboard while a notebook is graded")
