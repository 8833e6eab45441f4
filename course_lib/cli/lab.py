"""The command `course lab`."""

from __future__ import annotations

from typing import Annotated

import typer


def lab(
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: any free one.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
    formgrader: Annotated[
        bool, typer.Option("--formgrader", help="For instructors: the whole course, with nbgrader's Formgrader.")
    ] = False,
    hub: Annotated[
        bool,
        typer.Option(
            "--hub", help="For JupyterHub: a student's server, the workbook in their home brought up to date."
        ),
    ] = False,
) -> None:
    """Open JupyterLab on the modules, at the start page; Ctrl-C ends it."""
    import signal
    import subprocess

    from course_lib.cli.console import say
    from course_lib.paths import project_root
    from course_lib.workbook.lab import lab_command, lab_environment, lab_folder

    if hub:
        _serve_hub()
        return
    root = project_root()
    folder = lab_folder(root, formgrader=formgrader)
    command = lab_command(root, port=port, browser=browser, formgrader=formgrader)
    say(f"JupyterLab opens on {folder}; Ctrl-C here ends it.")
    if formgrader:
        say("In its menu, Nbgrader → Formgrader shows what was graded; a solution notebook's tasks stand on the right.")
    server = subprocess.Popen(command, cwd=folder, env=lab_environment())
    # Whoever ends this command ends the server, too, and that its kernels.
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    while True:
        try:
            code = server.wait()
            break
        except KeyboardInterrupt:
            # The server got it, too, and asks whether it is meant; a second one it takes as yes.
            continue
    raise typer.Exit(0 if code in (0, -2) else 1)


def _serve_hub() -> None:
    import os

    from course_lib.cli.console import say
    from course_lib.workbook.lab_hub import hub_server, serve

    os.umask(0o027)  # homes are private; the group of a drop folder may read what is handed in there
    server = hub_server()
    for line in server.told:
        say(line)
    serve(server)
