"""The commands `course serve` and `course rollout`: the deployed model."""

from __future__ import annotations

from typing import Annotated

import typer

JSON = "one JSON object on stdout"


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.command()(serve)
    app.command()(rollout)


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for other machines, too.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where predictions go: SQLite or PostgreSQL. Default: build/service. An URL with a password is safer "
            "in the environment, as TAXI_STORE: others may list this machine's commands.",
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="100/second|off",
            help="How often one address may ask each process; more gets a 429. Default: 1000/second, and no limit for "
            "this machine itself.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, max=3600, metavar="SECONDS", help="How long an answer may take. Default: 30."),
    ] = None,
) -> None:
    """Answer riders: a page, an API, health and metrics, until Ctrl-C. Trains a first model where there is none."""
    import os

    from course_lib.cli.console import say
    from course_lib.taxi.service import limiting, server
    from course_lib.taxi.service.store import PredictionStore

    port = port or server.free_port(host)
    server.check_port(host, port)  # before a model is trained for nothing
    if address := store or os.environ.get(server.STORE):
        PredictionStore(address).close()
        os.environ[server.STORE] = address
    if asked := rate or os.environ.get(server.RATE):
        limiting.rate(asked)
        os.environ[server.RATE] = asked
    if timeout:
        os.environ[server.SECONDS] = str(timeout)
    _ensure_champion()
    say(f"The rider's page: http://{host}:{port}/   the API: http://{host}:{port}/openapi.json   stop with Ctrl-C")
    server.serve(port, host=host, workers=workers)


def _ensure_champion() -> None:
    from course_lib.cli.console import say
    from course_lib.cli.taxi import register_best
    from course_lib.taxi import tracking, training

    tracking.setup()
    try:
        tracking.version()
    except tracking.NotRegistered:
        say("no champion yet: training one")
        registered = register_best(training.train(models=["boosting"], progress=say))
        say(f"registered: {registered['name']} version {registered['version']}, champion")


def rollout(
    plan: Annotated[
        list[str] | None,
        typer.Argument(metavar="[off|shadow|canary SHARE|back]", help="What running services do from now on."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON)] = False,
) -> None:
    """Show, or set, how the challenger is tried out: not at all, unseen beside the champion, or for a share of riders.

    `back` makes the version champion again that was it before. Running services follow within seconds.
    """
    from course_lib.cli.console import emit, say
    from course_lib.errors import UsageError
    from course_lib.taxi.service import rollout as plans
    from course_lib.taxi.service.registry import MLflowRegistry

    registry = MLflowRegistry()
    if plan == ["back"]:
        say("rolled back from version {} to version {}".format(*registry.rollback()))
    elif plan:
        chosen = plans.parse(" ".join(plan))
        wanted = registry.wanted()
        if wanted.champion is None:
            raise UsageError(f"No version of {registry.name} is the champion yet: `course train --register` makes one.")
        if chosen.mode != "off" and wanted.challenger is None:
            raise UsageError(f"No version of {registry.name} is the challenger: there is nothing to try out.")
        registry.set_rollout(chosen)
    now = registry.wanted()
    result = {
        "model": registry.name,
        "champion": now.champion,
        "challenger": now.challenger,
        "rollout": str(now.rollout),
    }
    if as_json:
        emit(result)
    else:
        say("{model}: champion {champion}, challenger {challenger}, roll-out {rollout}".format(**result))
