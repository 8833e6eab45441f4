"""JupyterHub for the course on one machine, run as root: read README.md beside this file first.

Whoever has an account on the machine and is in one of the two groups logs in with its password. Each student's
server runs under their own account, so that the system, not this file, keeps students' files apart.
"""

import grp
import os
import pwd
import sys
from pathlib import Path

# The students' side of the machine: groups of accounts, where the course is published, where work is handed in,
# and what the hub itself keeps. Another place than these is named in the environment of the hub.
STUDENTS, INSTRUCTORS = "students", "instructors"
RELEASE = os.environ.get("COURSE_RELEASE", "/srv/course-release.git")
DROP = Path(os.environ.get("COURSE_DROP", "/srv/course-drop"))
STATE = Path(os.environ.get("COURSE_HUB_STATE", "/srv/course-hub"))

# Measured: a student's server and the kernel of the largest lesson. It decides how many the machine can hold.
STUDENT_MEMORY = 1100 << 20  # bytes


def make_drop_folder(spawner):
    """A folder that one student writes and the instructors read; nobody else enters. Run before a server starts."""
    folder = DROP / spawner.user.name
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, pwd.getpwnam(spawner.user.name).pw_uid, grp.getgrnam(INSTRUCTORS).gr_gid)
    # after chown, which takes the third bit away: with it, what is handed in belongs to the instructors' group, too
    folder.chmod(0o2750)


c = get_config()  # noqa: F821 — JupyterHub puts it here

# Only this machine can reach the hub itself: the web server in front of it speaks TLS to the world.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
# The machine's own accounts and passwords. Without the groups, every account could come in.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {STUDENTS, INSTRUCTORS}
c.LocalAuthenticator.admin_groups = {INSTRUCTORS}
# A server outlives the login that started it, so it is no session of the login's.
c.PAMAuthenticator.open_sessions = False

# The same server and settings that `course lab` starts, after the workbook in the home was brought up to date.
c.Spawner.cmd = [str(Path(sys.executable).with_name("course")), "lab", "--hub"]
c.Spawner.pre_spawn_hook = make_drop_folder
c.Spawner.environment = {
    "COURSE_RELEASE": RELEASE,
    "COURSE_SUBMIT_TO": lambda spawner: str(DROP / spawner.user.name),
    # seconds: a kernel that did nothing for so long ends, and then a server that has none; open files are saved
    "COURSE_IDLE": "7200",
}
# The workbook comes before the server answers; when everybody comes at once, that takes longer than the usual 30 s.
c.Spawner.http_timeout = 180

# Past this number a newcomer is told that the hub is full; without it everybody's kernels would be killed.
c.JupyterHub.active_server_limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 9 // 10 // STUDENT_MEMORY

# Logins and secrets lie in one folder that only root enters, not wherever the hub was started.
c.JupyterHub.db_url = f"sqlite:///{STATE}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{STATE}/cookie-secret"
c.ConfigurableHTTPProxy.pid_file = f"{STATE}/proxy.pid"
