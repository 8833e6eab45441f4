"""The template: a process that has imported the libraries, and forks a keeper for each client that connects.

Started as ``python -m course_lib.grading.kernels.template`` with its configuration on standard input. It does
nothing with a request but fork: what a client asks is read by the keeper, so that nothing about one kernel stays
in the memory that the next is forked from.

It ends when nobody has used it for a while (much sooner once the process that wanted it is gone), when its
socket is taken away, and never while a kernel of its own is running.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from course_lib.grading.kernels import first_use

# What an ordinary kernel has imported before it reads its first cell.
_KERNEL_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.displayhook",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "comm",
    "sqlite3",
    "tornado.platform.asyncio",
    "xmlrpc.server",
    "encodings.ascii",
    "encodings.latin_1",
)
# What a keeper and a kernel's first steps need; kernels forget it again.
_OWN_MODULES = ("course_lib.grading.kernels.keeper", "course_lib.grading.kernels.child")
_OWN_LINUX_MODULES = ("course_lib.grading.sandbox.keeper",)
_TICK = 1.0  # seconds between looks at finished keepers, the clock and the starter


@dataclass
class Preloaded:
    """What a forked kernel must know about the imports it inherits."""

    path: list[str]  # sys.path as an ordinary kernel would have it
    names: frozenset[str]  # top-level modules that an ordinary kernel would not have imported yet
    env: dict[str, str]  # what ipykernel's own modules put into the environment when they are imported


def main() -> None:
    """Import, listen, fork; in a forked process: keep a kernel, or become one."""
    config = json.loads(sys.stdin.read())
    _detach()
    path = [p for p in sys.path[1:] if p]  # without the folder that ``-m`` puts first
    sys.path[:] = path
    with _listen(Path(config["socket"])) as listener:
        preloaded = _preload_or_say_why_not(config["modules"], path)
        Path(config["ready"]).touch()
        with warnings.catch_warnings():
            # pyarrow's allocator keeps a thread for freeing memory, which is made for forking.
            warnings.simplefilter("ignore", DeprecationWarning)
            conn = _serve(listener, config)
    if conn is None:
        # No exit handlers of the imported libraries: nothing was used, so nothing needs saving.
        os._exit(0)
    # From here on: a forked process, with the template's own descriptors closed.
    from course_lib.grading.kernels.keeper import keep

    become_kernel = keep(conn, preloaded)  # returns in the kernel's process only
    become_kernel()


def _detach() -> None:
    """Leave the starter's session, and leave nobody to wait for: the parent ends at once."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _listen(path: Path) -> socket.socket:
    """Listen before the imports: clients may connect at once, and wait for as long as these take."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # left by a template that was killed; the starter holds the lock
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(128)
    return listener


def _preload_or_say_why_not(modules: Sequence[str], path: list[str]) -> Preloaded:
    """Import; an import that ends the process is in the log before clients see the end of their connections.

    Left to the interpreter, the reason would be written once everything is closed: too late for who reads it then.
    """
    try:
        return _preload(modules, path)
    except BaseException as error:
        traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(1)


def _preload(modules: Sequence[str], path: list[str]) -> Preloaded:
    env = dict(os.environ)
    for name in _KERNEL_MODULES:
        _import(name)
    env = {name: value for name, value in os.environ.items() if env.get(name) != value}
    for name in (*_OWN_MODULES, *(_OWN_LINUX_MODULES if sys.platform == "linux" else ())):
        importlib.import_module(name)
    before = set(sys.modules)
    with _as_in_a_kernel():
        for name in modules:
            _import(name)
        first_use.warm_up_mlflow()
    names = {m.partition(".")[0] for m in set(sys.modules) - before}
    _forget_pyplot()
    # No fork must find a collection under way, nor copy pages only because the collector touched them.
    gc.collect()
    gc.freeze()
    return Preloaded(path, frozenset(names), env)


@contextlib.contextmanager
def _as_in_a_kernel() -> Iterator[None]:
    """Answer libraries that ask, while they are imported, whether they are in a notebook.

    pandas does, and shows wide tables in another way where it thinks that it is in a terminal. It also asks for the
    encoding of what is printed, which ipykernel spells so.
    """
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)
    encoding = sys.stdout.encoding
    sys.stdout.reconfigure(encoding="UTF-8")
    try:
        yield
    finally:
        del builtins.get_ipython
        sys.stdout.reconfigure(encoding=encoding)


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        pass  # not installed here, so no notebook will import it either
    except Exception as error:
        print(f"{name} can't be imported beforehand: {error!r}", file=sys.stderr, flush=True)


def _forget_pyplot() -> None:
    """Leave matplotlib's pyplot to the kernel: its import chooses the backend and hooks into the shell.

    With everything it imports in place, that costs 30 ms instead of a second.
    """
    if sys.modules.pop("matplotlib.pyplot", None) is not None:
        with contextlib.suppress(AttributeError):
            del sys.modules["matplotlib"].pyplot


def _serve(listener: socket.socket, config: dict) -> socket.socket | None:
    """Fork for every connection. Returns the connection in a forked process, and None when it is time to end."""
    listener.settimeout(_TICK)
    ends = _Ends(config)
    keepers: set[int] = set()
    while True:
        try:
            conn, _ = listener.accept()
        except TimeoutError:
            conn = None
        keepers -= {pid for pid in keepers if os.waitpid(pid, os.WNOHANG)[0]}
        if conn is None:
            if not keepers and ends.now():
                return None
            continue
        conn.setblocking(True)
        with contextlib.suppress(OSError):  # no memory, too many processes: the client sees the end of the stream
            if (pid := os.fork()) == 0:
                return conn
            keepers.add(pid)
        conn.close()
        ends.used()


class _Ends:
    """When the template has outlived its use."""

    def __init__(self, config: dict) -> None:
        self.socket = Path(config["socket"])
        self.inode = self.socket.stat().st_ino
        self.idle, self.linger, self.owner = config["idle"], config["linger"], config["owner"]
        self.used()

    def used(self) -> None:
        self.last = time.monotonic()

    def now(self) -> bool:
        unused = time.monotonic() - self.last
        if not self._ours():
            return True
        if unused > self.idle or (unused > self.linger and not _alive(self.owner)):
            for suffix in (".sock", ".ready", ".log"):
                self.socket.with_suffix(suffix).unlink(missing_ok=True)
            return True
        return False

    def _ours(self) -> bool:
        try:
            return self.socket.stat().st_ino == self.inode
        except FileNotFoundError:
            return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
