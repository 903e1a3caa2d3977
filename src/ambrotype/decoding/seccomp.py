"""A seccomp-BPF filter that refuses what decoding never needs: files, network, processes, other processes.

A list of what is refused, not of what is allowed: decoders and the C library may come to need a new
harmless call with any update, and the calls that can do harm change seldom. Refused calls fail with EPERM
(clone3 with ENOSYS, so that the C library falls back to clone, whose flags a filter can see). Needs Linux
on x86_64 or aarch64. See seccomp(2); the constants are of linux/filter.h, linux/seccomp.h and the kernel's
tables of system calls.
"""

import ctypes
import errno
import os
import platform
import struct

# name: (x86_64, aarch64); None where the architecture has no such call.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # opening and changing files; what the child works on comes to it open
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, None),
    "open_by_handle_at": (304, 265),
    "truncate": (76, 45),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "chroot": (161, 51),
    "memfd_secret": (447, 447),
    # network and other ways out
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # new programs and processes (threads stay possible: see `_rules`)
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    # rights, and large or dangerous parts of the kernel
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setgroups": (116, 159),
    "capset": (126, 91),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_setup": (206, 0),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "fanotify_init": (300, 262),
    "inotify_init1": (294, 26),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
    "landlock_create_ruleset": (444, 444),
}

# machine: (column above, AUDIT_ARCH_…, seccomp, clone, clone3, kill, tgkill, prlimit64)
MACHINES = {
    "x86_64": (0, 0xC000003E, 317, 56, 435, 62, 234, 302),
    "aarch64": (1, 0xC00000B7, 277, 220, 435, 129, 131, 261),
}

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1
ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000
LOAD, JUMP_EQUAL, JUMP_GREATER_OR_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
AT_NUMBER, AT_ARCH, AT_FIRST_ARGUMENT = 0, 4, 16
CLONE_THREAD = 0x00010000
X32_BIT = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install() -> None:
    """Puts the filter on all threads of this process, for good. `PR_SET_NO_NEW_PRIVS` has to be set before.

    Raises OSError where the kernel or the machine offers no such filter.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"no list of system calls for the machine {machine}")
    instructions = _rules(machine, own_pid=os.getpid())
    code = b"".join(instructions)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(instructions), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    number = MACHINES[machine][2]
    result = libc.syscall(
        ctypes.c_long(number), SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(program)
    )
    if result != 0:
        raise OSError(ctypes.get_errno() or errno.EACCES, "the kernel refused the seccomp filter")


def _rules(machine: str, *, own_pid: int) -> list[bytes]:
    column, architecture, _, clone, clone3, kill, tgkill, prlimit = MACHINES[machine]
    rules = [
        _step(LOAD, AT_ARCH),
        _step(JUMP_EQUAL, architecture, 1, 0),
        _step(RETURN, KILL_PROCESS),
        _step(LOAD, AT_NUMBER),
    ]
    if machine == "x86_64":
        rules += [_step(JUMP_GREATER_OR_EQUAL, X32_BIT, 0, 1), _step(RETURN, ERRNO | errno.ENOSYS)]
    rules += [_step(JUMP_EQUAL, clone3, 0, 1), _step(RETURN, ERRNO | errno.ENOSYS)]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            rules += [_step(JUMP_EQUAL, number, 0, 1), _step(RETURN, ERRNO | errno.EPERM)]
    # abort() signals its own process and must be able to; nobody else is to be signalled.
    for number in (kill, tgkill):
        rules += _by_argument(number, JUMP_EQUAL, own_pid)
    rules += _by_argument(prlimit, JUMP_EQUAL, 0)
    rules += _by_argument(clone, JUMP_SET, CLONE_THREAD)
    return [*rules, _step(RETURN, ALLOW)]


def _by_argument(number: int, test: int, value: int) -> list[bytes]:
    """Allows the call if its first argument (the low half of it) passes the test, else refuses it."""
    return [
        _step(JUMP_EQUAL, number, 0, 4),
        _step(LOAD, AT_FIRST_ARGUMENT),
        _step(test, value, 1, 0),
        _step(RETURN, ERRNO | errno.EPERM),
        _step(RETURN, ALLOW),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
