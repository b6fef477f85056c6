"""The confinement of this process: limits on its resources, and on Linux what the kernel refuses it.

- Limits on CPU time, memory, file size, open files and core dumps.
- Landlock (``landlock(7)``): files can be read below the given folders and Python's, and written below one of them.
- A seccomp filter (``seccomp(2)``): no new processes, no sockets except pairs of connected streams, no locks on files
  that others lock too, no signals to others, memory or queues shared with them, changes of owner, mode or times.
- No capabilities.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import stat
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = 512 << 20  # bytes of address space
FILE = 1 << 20  # bytes of each file, including the output
OPEN_FILES = 64

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
LEAST_ABI = 3  # of Landlock, Linux 6.2: older versions cannot deny truncation
READS = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, list a folder
WRITES = 1 << 1 | sum(1 << bit for bit in range(4, 15))  # write, remove, make, rename across folders, truncate
OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # the rights that a file, rather than a folder, can have
NEEDED = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/null")

PARENT_DIED, SET_DUMPABLE, NO_NEW_PRIVILEGES, SET_SECCOMP, DROP_BOUND, FILTER = 1, 4, 38, 22, 24, 2  # of prctl(2)
CAPABILITIES = struct.pack("Ii", 0x20080522, 0)  # capset(2)'s version 3, of this process
ALLOW, REFUSE, ABSENT, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000  # as EPERM, as ENOSYS
LOAD, EQUAL, ATLEAST, SOME_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # of the filter's machine
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24  # offsets in the filter's input; FIRST and SECOND: of arguments
THREAD = 0x10000  # CLONE_THREAD
STREAM, TYPE_BITS = 1, 0xF  # SOCK_STREAM; the rest of a socket's type are flags
OTHER_ABI = 0x40000000  # x86-64 with 32-bit pointers (x32), which has its own call numbers

# The machine's number for seccomp by name. Below, the numbers of calls on these machines in this order; `None`: the
# machine has no such call.
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE, CLONE3, PRLIMIT, SOCKETPAIR = (56, 220), (435, 435), (302, 261), (53, 199)

# Refused with any arguments: processes, signals, sockets, memory of other processes; System V queues and shared memory,
# which outlive the process; what Landlock does not cover: owner, mode, times and locks of files; space without data,
# which a file's size does not show; memory outside the limits; priorities of others. A pair of sockets can neither turn
# to another one nor pass descriptors.
REFUSED = {
    "fork": (57, None), "vfork": (58, None), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "pidfd_getfd": (438, 438),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "socket": (41, 198), "io_uring_setup": (425, 425), "bpf": (321, 280),
    "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "sendmsg": (46, 211), "recvmsg": (47, 212), "sendmmsg": (307, 269), "recvmmsg": (299, 243),
    "flock": (73, 32), "fallocate": (285, 47), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
}  # fmt: skip
# Refused if an argument has one of these values: of prctl, outliving the parent and hiding from its watch; of fcntl,
# F_SETLK and F_SETLKW with their forms for open files, F_SETLEASE, F_NOTIFY, F_SETOWN, F_SETSIG, F_SETOWN_EX; of ioctl,
# FIOSETOWN, SIOCSPGRP, FS_IOC_RESVSP, FS_IOC_RESVSP64 and FS_IOC_ZERO_RANGE. SETOWN, SETSIG and SPGRP let a file send
# signals to any process; the last three reserve space as fallocate does.
REFUSED_IF = {
    "prctl": ((157, 167), FIRST, (PARENT_DIED, SET_DUMPABLE)),
    "fcntl": ((72, 25), SECOND, (6, 7, 37, 38, 1024, 1026, 8, 10, 15)),
    "ioctl": ((16, 29), SECOND, (0x8901, 0x8902, 0x40305828, 0x4030582A, 0x40305839)),
}

libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def or_exit() -> Iterator[None]:
    """Exit with one line if the block, which confines this process, fails."""
    try:
        yield
    except (OSError, ValueError, AttributeError) as fault:
        sys.exit(f"this machine cannot confine a program: {fault!r}")


def hide() -> None:
    """Keep other processes of the user, such as a child, out of this one's memory and descriptors in ``/proc``."""
    checked(libc.prctl(SET_DUMPABLE, 0, 0, 0, 0))


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent, the process ``parent``, ends; exit if it has ended."""
    if sys.platform == "linux":
        libc.prctl(PARENT_DIED, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the signal was set
            sys.exit(1)


def restrict(folder: str, readable: list[str]) -> None:
    """Deny this process and its children all files but those below the given folders, and all capabilities.

    :param folder: what can be written, too.
    :raises OSError, AttributeError: this machine cannot do that.
    """
    checked(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    landlock(folder, [*readable, *python_folders(), *NEEDED])
    drop_capabilities()


def limit(seconds: int, more: dict[str, int]) -> None:
    """Set the resource limits; skip those that the system does not support."""
    wanted = {"CPU": seconds, "AS": MEMORY, "FSIZE": FILE, "NOFILE": OPEN_FILES, "CORE": 0} | more
    for name, most in wanted.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        new = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (new, new))
        except (OSError, ValueError):  # macOS refuses some memory limits
            continue


def python_folders() -> list[str]:
    """Return the folders of the interpreter and its packages."""
    return [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))]  # noqa: PTH120


def drop_capabilities() -> None:
    """Drop all capabilities, so that root after the next exec is only the owner of root's files.

    :raises OSError: they cannot be dropped.
    """
    for capability in range(64 if os.geteuid() == 0 else 0):
        libc.prctl(DROP_BOUND, capability, 0, 0, 0)  # refusals of unknown capabilities are harmless
    checked(libc.capset(CAPABILITIES, bytes(24)))  # including the inheritable ones, which exec would restore


def landlock(folder: str, readable: list[str]) -> None:
    """Restrict writing to ``folder`` and reading to the given folders.

    :raises OSError: the kernel has no Landlock, or an old version.
    """
    abi = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if abi < LEAST_ABI:
        raise OSError(f"Landlock {LEAST_ABI} is needed; got {abi}")
    handled = struct.pack("Q", READS | WRITES)
    rules = checked(libc.syscall(CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0))
    for path, rights in [*((path, READS) for path in readable), (folder, READS | WRITES), ("/dev/null", OF_A_FILE)]:
        if os.path.exists(path):  # noqa: PTH110
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            possible = rights if stat.S_ISDIR(os.fstat(opened).st_mode) else rights & OF_A_FILE
            checked(libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", possible, opened), 0))
            os.close(opened)
    checked(libc.syscall(RESTRICT_SELF, rules, 0))
    os.close(rules)


def seccomp() -> None:
    """Refuse the calls in :data:`REFUSED` and :data:`REFUSED_IF`; allows new threads but no new processes.

    :raises ValueError: the machine's architecture is not supported.
    """
    machine = list(MACHINES).index(platform.machine())
    program = [
        (LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, MACHINES[platform.machine()]), (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER), (ATLEAST, 0, 1, OTHER_ABI), (RETURN, 0, 0, KILL),
        (EQUAL, 0, 1, CLONE3[machine]), (RETURN, 0, 0, ABSENT),  # no filter sees its flags; libc falls back to clone
        (EQUAL, 0, 4, CLONE[machine]), (LOAD, 0, 0, FIRST), (SOME_BIT, 1, 0, THREAD), (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
        (EQUAL, 0, 5, SOCKETPAIR[machine]), (LOAD, 0, 0, SECOND), (AND, 0, 0, TYPE_BITS), (EQUAL, 1, 0, STREAM),
        (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW),
        (EQUAL, 0, 4, PRLIMIT[machine]), (LOAD, 0, 0, FIRST), (EQUAL, 1, 0, 0), (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    for numbers, argument, values in REFUSED_IF.values():
        program += [(EQUAL, 0, len(values) + 3, numbers[machine]), (LOAD, 0, 0, argument)]
        program += [(EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
        program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    for number in (refused[machine] for refused in REFUSED.values()):
        program += [] if number is None else [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    program.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    given = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    checked(libc.prctl(SET_SECCOMP, FILTER, given, 0, 0))


def checked(result: int) -> int:
    """Return the result of a call.

    :raises OSError: the call failed.
    """
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
