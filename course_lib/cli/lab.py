"""The command `course lab`."""

from __future__ import annotations

from typing import Annotated

import typer


def lab(
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: any free one.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
) -> None:
    """Open JupyterLab on the modules, at the start page; Ctrl-C ends it."""
    import subprocess

    from course_lib.cli.console import say
    from course_lib.paths import project_root
    from course_lib.workbook.lab import lab_command, lab_environment

    root = project_root()
    command = lab_command(root, port=port, browser=browser)
    say(f"JupyterLab opens on {root / 'modules'}; Ctrl-C here ends it.")
    server = subprocess.Popen(command, cwd=root / "modules", env=lab_environment())
    while True:
        try:
            code = server.wait()
            break
        except KeyboardInterrupt:
            # The server got it, too, and asks whether it is meant; a second one it takes as yes.
            continue
    raise typer.Exit(0 if code in (0, -2) else 1)
