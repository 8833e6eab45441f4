"""Which system calls a sandboxed process may make: a seccomp filter, written as the kernel's own small programs.

Denied is what no notebook needs and what reaches around the other walls: new namespaces and mounts, tracing, kernel
keys, loading code into the kernel, memory that no limit counts (memfd, System V shared memory), sockets that are
not of this network namespace (vsock), and choosing other processors than those given.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from course_lib.grading.sandbox import namespaces

# name: (x86_64, aarch64), from the kernel's unistd tables; None: the machine has no such call.
_NOT_PERMITTED: dict[str, tuple[int | None, int | None]] = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "syslog": (103, 116),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "vhangup": (153, 58),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "sched_setaffinity": (203, 122),
    "modify_ldt": (154, None), "iopl": (172, None), "ioperm": (173, None), "uselib": (134, None),
}  # fmt: skip
_NOT_THERE: dict[str, tuple[int | None, int | None]] = {
    # libraries fall back on something else when these are missing
    "clone3": (435, 435), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
}  # fmt: skip
_CLONE, _SOCKET, _SOCKETPAIR, _IOCTL = (56, 220), (41, 198), (53, 199), (16, 29)
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW… flag
_FAMILIES = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing in somebody's terminal
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000

_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _SET, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24  # offsets in what the filter sees
_PR_SET_SECCOMP, _FILTER = 22, 2


class UnknownMachine(Exception):
    """The numbers of this machine's system calls aren't known here."""


def program(machine: str | None = None) -> bytes:
    """The filter for ``machine`` (default: this one) as the kernel reads it, eight bytes an instruction.

    Raises:
        UnknownMachine: for other processors than x86_64 and aarch64.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise UnknownMachine(machine)
    column, arch = _MACHINES[machine]
    code = [_op(_LOAD, _ARCH), _op(_EQUAL, arch, 1, 0), _op(_RETURN, _KILL), _op(_LOAD, _NUMBER)]
    if machine == "x86_64":
        code += [_op(_AT_LEAST, _X32, 0, 1), _refuse(errno.ENOSYS)]
    for calls, number in ((_NOT_PERMITTED, errno.EPERM), (_NOT_THERE, errno.ENOSYS)):
        for numbers in calls.values():
            if (call := numbers[column]) is not None:
                code += [_op(_EQUAL, call, 0, 1), _refuse(number)]
    code += _when(_CLONE[column], [_argument(0), _op(_SET, _NEW_NAMESPACES, 0, 1), _refuse(errno.EPERM)])
    allowed = [_op(_EQUAL, f, len(_FAMILIES) - i, 0) for i, f in enumerate(_FAMILIES)]
    for call in (_SOCKET[column], _SOCKETPAIR[column]):
        code += _when(call, [_argument(0), *allowed, _refuse(errno.EAFNOSUPPORT)])
    typing = [_op(_EQUAL, request, 0, 1) + _refuse(errno.EPERM) for request in _TERMINAL_INPUT]
    code += _when(_IOCTL[column], [_argument(1), *typing])
    return b"".join([*code, _op(_RETURN, _ALLOW)])


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def install() -> None:
    """Filter this process's calls, and those of all processes it starts, from now on. Needs no privilege."""
    code = program()
    namespaces.forbid_new_privileges()
    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _op(_RETURN, _ERROR | number)


def _argument(which: int) -> bytes:
    return _op(_LOAD, (_FIRST_ARGUMENT, _SECOND_ARGUMENT)[which])  # its lower half; both machines are little-endian


def _when(call: int, body: list[bytes]) -> list[bytes]:
    """``body`` for one call only. It ends by allowing, since the number is no longer at hand."""
    length = sum(len(part) for part in body) // 8 + 1
    return [_op(_EQUAL, call, 0, length), *body, _op(_RETURN, _ALLOW)]
