from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.server import free_port
from tests.taxi.service.fakes import Constant, FakeRegistry, service


@pytest.fixture
def ready(tmp_path):
    """A service whose champion, version 1, says 10.2 minutes; versions 2 and 3 say 20 and 30."""
    registry = FakeRegistry({1: Constant(10.2), 2: Constant(20.0), 3: Constant(30.0)}, Wanted(champion=1))
    with service(tmp_path, registry) as made:
        yield made


@dataclass(frozen=True)
class PostgreSQL:
    """A server of our own at ``url``: it can be stopped, as by a loss of power, and started again."""

    url: str
    start: Callable[[], None]
    stop: Callable[[], None]


@pytest.fixture(scope="session")
def postgresql_server():
    """PostgreSQL for these tests; skipped, saying so, where its programs are not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(p) for p in [shutil.which("initdb")] if p]
    if not found:
        pytest.skip("PostgreSQL's programs are not installed")
    own: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        if not shutil.which("runuser"):
            pytest.skip("PostgreSQL can't be started by root here")
        own = ["runuser", "-u", "postgres", "--"]
    # not below pytest's own folder: each session of pytest shuts that to everybody but its user
    with tempfile.TemporaryDirectory(prefix="taxi-postgresql-", ignore_cleanup_errors=True) as home:
        if own:
            shutil.chown(home, "postgres")
        yield from _postgresql(found[-1].parent, Path(home), own)


def _postgresql(programs: Path, folder: Path, own: list[str]) -> Iterator[PostgreSQL]:
    port = free_port()
    data = folder / "data"

    def run(*command: object, check: bool = True) -> None:
        subprocess.run([*own, *map(str, command)], check=check, cwd=folder, capture_output=True, timeout=120)

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"

    def start() -> None:
        for tries_left in range(9, -1, -1):
            try:
                run(programs / "pg_ctl", "-D", data, "-w", "-t", "120", "-l", folder / "log", "-o", options, "start")
                return
            except subprocess.CalledProcessError:
                if not tries_left:
                    raise
                time.sleep(1)  # while it was down, the system may have lent its port to somebody who calls out

    def stop() -> None:
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop", check=False)

    run(programs / "initdb", "-D", data, "-U", "course", "--auth=trust", "--no-sync")
    start()
    yield PostgreSQL(f"postgresql+psycopg://course@127.0.0.1:{port}/postgres", start, stop)
    stop()


@pytest.fixture
def postgresql(postgresql_server):
    """The URL of a PostgreSQL server of our own."""
    return postgresql_server.url


@pytest.fixture
def empty_database(postgresql_server):
    """The URL of a new database on it: other tests keep their rows elsewhere."""
    import sqlalchemy as sa

    name = f"own_{time.time_ns()}"
    engine = sa.create_engine(postgresql_server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return postgresql_server.url.removesuffix("postgres") + name
