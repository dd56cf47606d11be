"""Hold the memory and the number of processes and threads of a program, and of all that it starts.

The kernel does it with a cgroup, where one can be made: by root, or by a user to whom systemd gives version 2. It
counts all memory. Elsewhere somebody has to look, and sees less. The kernel's Documentation/admin-guide has the files:
cgroup-v1/ and cgroup-v2.rst.
"""

import os
import secrets
import select
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from lab_lib.processes.family import total

_ROOT = Path("/sys/fs/cgroup")
_OF_AN_INODE = 1024  # bytes of memory of an empty file in memory
_OF_A_SOCKET = 2 * 212_992  # bytes: net.core.wmem_max, with what the kernel adds to it
_LONGEST_END = 5  # seconds
_WRITABLE = ("tmp", "dev/shm")  # in a box

_EVENTS = {
    "memory.events": ("oom_kill", "memory"),  # version 2
    "memory.oom_control": ("oom_kill", "memory"),  # version 1
    "pids.events": ("max", "tasks"),
}


class Limits(NamedTuple):
    """The most that a program and all that it starts may take. The kernel holds it, if there are `groups`."""

    memory: int  # bytes
    tasks: int  # processes and threads
    groups: tuple[Path, ...] = ()  # the folders of the cgroup: one, or one for memory and one for tasks

    def excess(self, members: Collection[psutil.Process]) -> str:
        """Return what these processes, which are all of the program, take too much of: "memory", "tasks" or ""."""
        if self.groups:
            return self._refused()
        if total(members, psutil.Process.num_threads) > self.tasks:
            return "tasks"
        memory = total(members, lambda process: process.memory_info().rss) + _in_files(members)
        memory += _OF_A_SOCKET * total(members, psutil.Process.num_fds)
        return "memory" if memory > self.memory else ""

    def _refused(self) -> str:
        """Return what the kernel has refused already."""
        for group in self.groups:
            for name, (event, excess) in _EVENTS.items():
                file = group / name
                if file.exists():
                    counts = dict(line.split() for line in file.read_text().splitlines())
                    if int(counts.get(event, 0)):
                        return excess
        return ""

    def release(self) -> None:
        """Remove the cgroup, whose processes were killed. Until they have all ended, the kernel keeps it."""
        for group in self.groups:
            with suppress(OSError):
                _wait_for_end(group)
                group.rmdir()


def _sweep(parent: Path) -> None:
    """Remove the cgroups that processes which were killed have left."""
    for group in parent.glob("lab-*-*"):
        if not psutil.pid_exists(int(group.name.split("-")[1])):
            with suppress(OSError):  # its processes are about to end
                group.rmdir()


def are_strict() -> bool:
    """Return True if a cgroup can be made here."""
    trial = made(memory=2**30, tasks=100)
    trial.release()
    return bool(trial.groups)


def made(memory: int, tasks: int) -> Limits:
    """Return limits of so many bytes, and so many processes and threads, with a cgroup if one can be made here."""
    groups = []
    settings = {
        "memory.max": memory,
        "memory.swap.max": 0,
        "memory.limit_in_bytes": memory,
        "memory.memsw.limit_in_bytes": memory,
        "memory.kmem.tcp.limit_in_bytes": memory // 10,  # which version 1 counts apart
        "pids.max": tasks,
    }
    try:
        for parent in _parents():
            _sweep(parent)
            group = parent / f"lab-{os.getpid()}-{secrets.token_hex(4)}"
            group.mkdir()
            groups.append(group)
            for name, value in settings.items():
                file = group / name
                if file.exists():  # not every kernel limits swap
                    file.write_text(str(value))
    except OSError:  # it is root's, or read-only
        Limits(memory, tasks, tuple(groups)).release()
        return Limits(memory, tasks)
    return Limits(memory, tasks, tuple(groups))


def _wait_for_end(group: Path) -> None:
    """Wait until the processes have ended. A descriptor tells it at once, also before somebody asks how they did."""
    for pid in (group / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError), os.fdopen(os.pidfd_open(int(pid))) as end:
            select.select([end], [], [], _LONGEST_END)


def _parents() -> list[Path]:
    """Return the folders of the cgroups in which this process could make one; none if the kernel has no such."""
    own = dict[str, str]()  # the path of this process's cgroup, by controller; "" is version 2
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        own |= dict.fromkeys(names.split(","), path.lstrip("/"))
    if {"memory", "pids"} <= own.keys():  # version 1
        return [_ROOT / name / own[name] for name in ("memory", "pids")]
    parent = (_ROOT / own.get("", "")).parent  # a group with processes has no groups in it
    given = (parent / "cgroup.subtree_control").read_text().split()
    return [parent] if {"memory", "pids"}.issubset(given) else []


def _in_files(members: Collection[psutil.Process]) -> int:
    """Return the bytes of the files that were written in a box, and of their names. They belong to no process."""
    ours = Path("/tmp").stat().st_dev  # noqa: S108  # a box that begins still sees the computer's files
    for process in members:
        folders = [Path(f"/proc/{process.pid}/root", name) for name in _WRITABLE]
        with suppress(OSError):  # it has ended
            if folders[0].stat().st_dev != ours:
                return sum(map(_written, folders))
    return 0


def _written(folder: Path) -> int:
    """Return the bytes of the files in a folder that is in memory, and of their names."""
    memory = os.statvfs(folder)
    names = memory.f_files - memory.f_ffree
    return names * _OF_AN_INODE + (memory.f_blocks - memory.f_bfree) * memory.f_frsize
