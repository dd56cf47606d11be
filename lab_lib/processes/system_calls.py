"""Keep a box away from the user's keys, and from parts of the kernel that no program of the lab needs.

libseccomp makes the filter that bubblewrap loads. It knows the number of each system call on this processor.
"""

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from lab_lib.errors import LabError

_LIBRARY = "libseccomp.so.2"  # part of every Debian, Ubuntu, Fedora and Arch
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # SCMP_ACT_ALLOW; SCMP_ACT_ERRNO with EPERM
_NOT_EQUAL, _EQUAL, _GREATER, _MASKED_EQUAL = 1, 4, 6, 7  # SCMP_CMP_NE and so on
_ABSENT = 0x00050000 | 38  # ENOSYS: then glibc makes threads by clone, whose flags can be seen
_THREAD = 0x00010000  # CLONE_THREAD
# Sockets of other families, such as those between a virtual machine and its host, ignore that the network is another.
_FAMILIES, _HIGHEST_FAMILY = {1, 2, 10, 16}, 64  # Unix, IPv4, IPv6 and netlink; Linux has 46
_FAMILIES_OF_FUNCTION = {1, 2, 10}  # netlink tells of earlier connections
_SHARED_ANONYMOUS = 0x21  # MAP_SHARED with MAP_ANONYMOUS: given back, it is counted for no process
_SOL_SOCKET, _BUFFERS = 1, (7, 8)  # SO_SNDBUF, SO_RCVBUF
_MOST_ADDRESSES = 2**35  # bytes: a page that is only read takes no memory of the process, but of the kernel's tables
_KEYS = "add_key keyctl request_key"
_NAMESPACES = "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root setns umount2"
_UNCOUNTED = "memfd_create memfd_secret mq_open msgget semget shmget"  # they make memory that belongs to no process
_RISKY = "bpf io_uring_enter io_uring_register io_uring_setup perf_event_open unshare userfaultfd vmsplice"
_ADMINISTRATION = (
    "acct delete_module finit_module init_module kexec_file_load kexec_load modify_ldt name_to_handle_at "
    "open_by_handle_at quotactl reboot swapoff swapon syslog"
)
_REFUSED = f"{_KEYS} {_NAMESPACES} {_UNCOUNTED} {_RISKY} {_ADMINISTRATION}".split()
# A student's function starts no process: the CPU time of one that is never waited for is lost. It changes no other
# process, and leaves nothing to its next start: no mode or time of a folder or device, no port of a closed connection.
_MARKS = (
    "chmod chown fchmod fchmodat fchmodat2 fchown fchownat fsetxattr futimesat lchown lsetxattr setxattr setxattrat "
    "utime utimensat utimes bind listen"
)
_OTHERS = "fork vfork ioprio_set sched_setaffinity sched_setattr sched_setparam sched_setscheduler setpriority"
_REFUSED_TO_FUNCTION = f"{_MARKS} {_OTHERS}".split()

# Runs before the box, and becomes it: a thread of ours that gave up its keys might need them later.
# EPERM and ENOSYS (1 and 38) are of a container, or a kernel, without keys.
_PREPARE = """
import ctypes, os, resource, sys
number, files, addresses, groups = sys.argv[1:5]
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(int(number), 1, None) < 0 and ctypes.get_errno() not in (1, 38):
    sys.exit(f"the kernel gives no keyring: {os.strerror(ctypes.get_errno())}")
for group in filter(None, groups.split(os.pathsep)):
    with open(f"{group}/cgroup.procs", "w") as members:
        members.write("0")
for limit, most in ((resource.RLIMIT_NOFILE, int(files)), (resource.RLIMIT_AS, int(addresses))):
    hard = resource.getrlimit(limit)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))
os.execvp(sys.argv[5], sys.argv[5:])
"""


class _Comparison(ctypes.Structure):
    """One condition on an argument of a system call: struct scmp_arg_cmp."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("masked", ctypes.c_uint64),
    )


def filter_file(for_function: bool = False) -> BinaryIO:
    """Return a temporary file with the filter, as bubblewrap and the kernel read it. A refused call fails with EPERM.

    Calls of another architecture, such as those of 32-bit programs, end the process. The filter for a student's
    function comes on top of the other one.
    """
    names = _REFUSED_TO_FUNCTION if for_function else _REFUSED
    families = _FAMILIES_OF_FUNCTION if for_function else _FAMILIES
    library = _library()
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    rules = library.seccomp_init(_ALLOW)

    def refuse(name: str, *conditions: _Comparison, action: int = _REFUSE) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # this processor has it
            array = (_Comparison * len(conditions))(*conditions)
            _require(library.seccomp_rule_add_array(rules, action, number, len(conditions), array), name)

    try:
        for name in names:
            refuse(name)
        if for_function:
            refuse("clone", _Comparison(0, _MASKED_EQUAL, _THREAD, 0))
            refuse("clone3", action=_ABSENT)
            refuse("prlimit64", _Comparison(0, _NOT_EQUAL, 0))
        refuse("mmap", _Comparison(3, _MASKED_EQUAL, _SHARED_ANONYMOUS, _SHARED_ANONYMOUS))
        for option in _BUFFERS:
            refuse("setsockopt", _Comparison(1, _EQUAL, _SOL_SOCKET), _Comparison(2, _EQUAL, option))
        for family in range(_HIGHEST_FAMILY + 1):
            if family not in families:
                refuse("socket", _Comparison(0, _EQUAL, family))
        refuse("socket", _Comparison(0, _GREATER, _HIGHEST_FAMILY))
        _require(library.seccomp_export_bpf(rules, file.fileno()), "the filter")
    finally:
        library.seccomp_release(rules)
    file.seek(0)
    return cast(BinaryIO, file)


def prepared(command: list[str], groups: Iterable[Path], most_open: int) -> list[str]:
    """Return the command as one that first does what only the new process can do, and then becomes it.

    It takes an empty session keyring, in which the user's keys are not, joins the cgroups, and gets the limits.
    """
    number = _library().seccomp_syscall_resolve_name(b"keyctl")
    settings = number, most_open, _MOST_ADDRESSES, os.pathsep.join(map(str, groups))
    return [sys.executable, "-I", "-S", "-c", _PREPARE, *map(str, settings), *command]


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    pointer = ctypes.c_void_p
    library.seccomp_init.restype = pointer
    library.seccomp_rule_add_array.argtypes = (pointer, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, pointer)
    library.seccomp_export_bpf.argtypes = (pointer, ctypes.c_int)
    library.seccomp_release.argtypes = (pointer,)
    return library


def _require(answer: int, step: str) -> None:
    if answer:
        raise LabError("libseccomp refuses {step}: {reason}.", step=step, reason=os.strerror(-answer))
