"""A forked kernel can't be told from an ordinary one."""

from __future__ import annotations

import json
import os
import signal

import nbformat
import pytest

from tests.grading.kernel import kernel

pytestmark = pytest.mark.usefixtures("runtime")

# Everything a notebook can see of its process that could leak from the template. Printed as JSON.
LOOK = """
import asyncio, gc, json, locale, logging, os, signal, stat, sys, threading, time, resource

def limits():
    names = [n for n in dir(resource) if n.startswith("RLIMIT_")]
    return {n: resource.getrlimit(getattr(resource, n)) for n in names}

umask = os.umask(0); os.umask(umask)
import matplotlib, matplotlib.pyplot as plt, numpy, pandas
import warnings
seen = {
    "argv": [a if "kernel-" not in a and not a.endswith(".json") else "FILE" for a in sys.argv],
    "orig_argv": [a if "kernel-" not in a and not a.endswith(".json") else "FILE" for a in sys.orig_argv],
    "path": sys.path,
    "cwd": os.getcwd(),
    "env": dict(os.environ),
    "flags": list(sys.flags),
    "executable": [sys.executable, sys.prefix, sys.base_prefix],
    "meta_path": [type(m).__name__ for m in sys.meta_path],
    "signals": {n: str(signal.getsignal(getattr(signal, n))) for n in ("SIGTERM", "SIGCHLD", "SIGPIPE", "SIGHUP")},
    "blocked": sorted(map(str, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
    "leader": [os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()],
    "umask": umask,
    "limits": limits(),
    "cpus": sorted(os.sched_getaffinity(0)),
    "nice": os.nice(0),
    "stdin": sys.__stdin__.read(),
    "streams": [stat.S_IFMT(os.fstat(n).st_mode) for n in (1, 2)],
    "encoding": [sys.stdout.encoding, sys.__stdout__.encoding, sys.getfilesystemencoding()],
    "locale": locale.setlocale(locale.LC_ALL),
    "zone": time.tzname,
    "gc": [gc.isenabled(), gc.get_threshold()],
    "threads": sorted(type(t).__name__ for t in threading.enumerate()),
    "main": [type(sys.modules["__main__"]).__name__, __name__, sys.modules["__main__"].__dict__ is globals()],
    "shell": type(get_ipython()).__module__,
    "backend": [matplotlib.get_backend(), plt.isinteractive(), matplotlib.rcParams["figure.figsize"]],
    "rc": {k: str(v) for k, v in matplotlib.rcParams.items()},
    "hooks": sorted(f"{e}:{getattr(f, '__qualname__', f)}" for e, fs in get_ipython().events.callbacks.items()
                    for f in fs),
    "logging": [logging.getLogger().level, [type(h).__name__ for h in logging.getLogger().handlers]],
    "errstate": numpy.geterr(),
    "warnings": len(warnings.filters) > 0,
    "sys_hooks": [sys.excepthook.__qualname__, type(sys.displayhook).__name__],
    "recursion": sys.getrecursionlimit(),
    "multiprocessing": __import__("multiprocessing").get_start_method(allow_none=True),
}
for name in set(pandas._config.config._registered_options) - set(pandas._config.config._deprecated_options):
    seen["pandas " + name] = str(pandas.get_option(name)).lower()
print(json.dumps(seen, default=str))
"""


@pytest.fixture(scope="module")
def both(runtime, tmp_path_factory):
    assert runtime
    folder = tmp_path_factory.mktemp("nb")
    seen = {}
    # under `nohup` an ordinary kernel would go on ignoring what nohup ignores; a warm one begins anew
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        for name in ("local-provisioner", "warm"):
            with kernel(name, cwd=str(folder)) as k:
                ran = k.run(LOOK)
                assert ran.error is None, (name, ran.error, ran.message)
                seen[name] = json.loads(ran.text)
                assert (type(k.process).__name__ == "WarmProcess") == (name == "warm")
    finally:
        signal.signal(signal.SIGHUP, before)
    return seen["local-provisioner"], seen["warm"]


def test_same_process_and_interpreter(both):
    cold, warm = both
    # The keeper watches the client in its place.
    cold["threads"].remove("ParentPollerUnix")
    differing = {key: (cold[key], warm[key]) for key in cold if cold[key] != warm[key]}
    assert differing == {}


def test_look_would_notice(tmp_path):
    """The comparison above has teeth: another folder and another environment show."""
    env = {"ONLY": "this", "PATH": "/usr/bin", "COURSE_WARM_MODULES": ""}
    with kernel("warm", cwd=str(tmp_path), env=env) as k:
        assert k.value("__import__('os').environ['ONLY']") == "this"
        assert k.value("'HOME' in __import__('os').environ") is False
        assert k.value("__import__('os').getcwd()") == str(tmp_path)


NOTEBOOK = [
    "import numpy as np, pandas as pd, matplotlib.pyplot as plt\nrng = np.random.default_rng(7)",
    "frame = pd.DataFrame({'a': rng.normal(size=50), 'b': list('xy') * 25})\n"
    "frame.groupby('b').a.agg(['mean', 'size'])",
    "np.random.seed(3); print(np.random.rand(3)); import random; random.seed(3); print(random.random())",
    "from sklearn.ensemble import HistGradientBoostingRegressor as H\n"
    "X = rng.normal(size=(500, 3)); H(random_state=0).fit(X, X[:, 0]).predict(X[:4]).round(6)",
    "fig, ax = plt.subplots(); ax.plot([1, 2, 3]); ax.set_title('t')",
    "import sys, os; print('out'); print('err', file=sys.stderr); os.system('echo from a child'); 1/0",
    "class A:\n    pass\nimport pickle; pickle.loads(pickle.dumps(A())).__class__ is A, A.__module__",
    "!echo hello from a shell",
    "%timeit -n1 -r1 -q -o 1+1\nNone",
    "import warnings; warnings.warn('careful')",
]


def test_same_notebook_same_outputs(tmp_path):
    from nbclient import NotebookClient

    from tests.grading.conftest import provisioner

    outputs = {}
    for name in ("local-provisioner", "warm"):
        cells = [nbformat.v4.new_code_cell(source) for source in NOTEBOOK]
        notebook = nbformat.v4.new_notebook(cells=cells)
        with provisioner(name):
            NotebookClient(
                notebook, kernel_name="python3", allow_errors=True, coalesce_streams=True,
                resources={"metadata": {"path": str(tmp_path)}},
            ).execute(env={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"})  # fmt: skip
        outputs[name] = [without_numbers(cell.outputs) for cell in notebook.cells]
        assert any("image/png" in output.get("data", {}) for output in outputs[name][4]), "the figure is shown"
        assert "from a child" in json.dumps(outputs[name][5])
    assert outputs["warm"] == outputs["local-provisioner"]


def without_numbers(outputs: list) -> list:
    """Process numbers and addresses aside, and the two streams in one order."""
    import re

    text = json.dumps(sorted(outputs, key=lambda o: (o["output_type"], o.get("name", ""))))
    return json.loads(re.sub(r"ipykernel_\d+|0x[0-9a-f]+", "NUMBER", text))


def test_random_numbers_differ_between_kernels():
    draw = "import random, numpy, uuid; (random.random(), float(numpy.random.rand()), str(uuid.uuid4()))"
    drawn = []
    for _ in range(2):
        with kernel() as k:
            drawn.append(k.value(draw))
    assert all(a != b for a, b in zip(*drawn, strict=True))


def test_course_code_is_imported_anew():
    with kernel() as k:
        assert k.value("[m for m in __import__('sys').modules if m.startswith('course_lib')]") == []
        assert k.run("import course_lib.errors").error is None


@pytest.mark.parametrize("file", ["pandas.py", "matplotlibrc", "sklearn/__init__.py"])
def test_a_file_that_hides_a_library_wins(tmp_path, file):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("axes.labelsize: 33\n" if file == "matplotlibrc" else "mine = 33\n", encoding="utf-8")
    expression = {
        "pandas.py": "__import__('pandas').mine",
        "sklearn/__init__.py": "__import__('sklearn').mine",
        "matplotlibrc": "__import__('matplotlib').rcParams['axes.labelsize']",
    }[file]
    with kernel(cwd=str(tmp_path)) as k:
        assert float(k.value(expression)) == 33
        assert k.value("__import__('os').environ['JPY_PARENT_PID']") == str(__import__("os").getpid())
