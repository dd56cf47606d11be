"""Start a program in a box: it sees some folders, read-only, writes to memory only, and reaches nothing else.

The box is bubblewrap's: processes, network, users and keys of its own, and no capability. A filter refuses what no
program of the lab needs (system_calls.py). A `View` says what is in a box; docs/embedded-aws.md says what holds.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from lab_lib.language import _
from lab_lib.processes import system_calls

View = list[tuple[str, ...]]  # options of bubblewrap

WORK = "/tmp"  # noqa: S108  # the folder of a program in its box, and of no other program
MEGABYTE = 10**6  # bytes
MOST_OPEN = 256  # files and sockets of a process; the kernel keeps 0.2 MB for a full socket
# The kernel lets a process hand a file over while all boxes of the user have fewer files under way than it may open. So
# who hands one over to us may open more than the others, until it has.
MORE_OPEN = 2 * MOST_OPEN
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
_LONGEST_REASON = 200  # characters
_MOST_SHARED = 64 * MEGABYTE  # of /dev/shm
# Shared memory of /dev/zero belongs to no process, so the device is not there.
_OPTIONS = (
    "--unshare-user --unshare-all --die-with-parent --new-session --disable-userns --cap-drop ALL"
    " --uid 65534 --gid 65534 --hostname lab --dev /dev --ro-bind /dev/null /dev/zero"
    f" --size {_MOST_SHARED} --tmpfs /dev/shm"
)
# The kernel kills a box when the thread ends that has started it. So one thread starts all, and ends with the process.
_starter = ThreadPoolExecutor(1, "boxes")


def start(
    command: list[str],
    view: View,
    files: int,
    pass_fds: Iterable[int] = (),
    groups: Iterable[Path] = (),
    most_open: int = MOST_OPEN,
    **settings: Any,
) -> "subprocess.Popen[Any]":
    """Start a command in a box. It ends with this process.

    `files` are the bytes that it may write, in memory. It joins `groups`, see limits.py; each of its processes may open
    `most_open` files. `settings` are subprocess's.
    """
    options = [*_OPTIONS.split(), "--size", str(files), "--tmpfs", WORK, *chain(*view)]
    with system_calls.filter_file() as rules:
        last = ["--remount-ro", "/dev", "--remount-ro", "/", "--seccomp", str(rules.fileno())]
        bwrap = [shutil.which("bwrap") or "bwrap", *options, *last, *command]
        whole = system_calls.prepared(bwrap, groups, most_open)
        settings["pass_fds"] = [*pass_fds, rules.fileno()]
        return _starter.submit(lambda: subprocess.Popen[Any](whole, **settings)).result()


def fault(view: View) -> str:
    """Return why no box with this view can be made here; "" if one can."""
    if not shutil.which("bwrap"):
        return _("bubblewrap (bwrap), which is for Linux, is not installed")
    try:
        with start(["/usr/bin/true"], view, MEGABYTE, stderr=subprocess.PIPE) as tried:
            said = tried.communicate()[1].decode(errors="replace").strip()
    except OSError as error:
        return _("libseccomp is not installed ({error})", error=error)
    if tried.returncode == 0:
        return ""
    return _("bubblewrap does not work here ({error})", error=said[:_LONGEST_REASON])


@cache
def fault_of_functions() -> str:
    """Return why functions cannot have boxes here; "" if they can."""
    return fault(view_of_function({}))


def shown(*paths: str | Path) -> View:
    """Return options that show these files and folders, if they exist."""
    return [("--ro-bind-try", str(path), str(path)) for path in paths]


def view_of_function(files: dict[str, Path], folder: str = WORK) -> View:
    """Return options that show Python without what is installed there, and these files at these places.

    The program begins in this folder.

    There is no /proc, which tells of other processes and earlier starts. Python finds its library by the link there.
    """
    placed = (("--ro-bind", str(path.resolve()), place) for place, path in files.items())
    return [*_python_alone(), *placed, ("--chdir", folder)]


@cache
def _python_alone() -> View:
    installed = {Path(__file__).parents[2]}  # the lab
    for prefix in (sys.base_prefix, "/usr", "/usr/local"):
        for packages in Path(prefix).glob("lib*/python3*/*-packages"):
            installed.add(packages.resolve())
    places = [Path(path) for path in (*SYSTEM, sys.base_prefix)]
    hidden = set()
    for place in places:
        target = place.resolve()  # /lib may be /usr/lib under another name
        for path in installed:
            if path.is_relative_to(target):
                hidden.add(str(place / path.relative_to(target)))
    return [
        ("--as-pid-1", "--symlink", python(), "/proc/self/exe", "--remount-ro", "/dev/shm"),  # noqa: S108
        *shown(*places),
        *(("--tmpfs", path, "--remount-ro", path) for path in sorted(hidden)),
    ]


def python() -> str:
    """Return the path of the Python that is behind a virtual environment, and can be shown without it."""
    return f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def boto3_packages() -> list[Path]:
    """Return the files and folders of boto3, and of what it needs."""
    names = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
    paths = []
    for name in names:
        path = Path(str(import_module(name).__file__)).resolve()
        paths.append(path.parent if path.name == "__init__.py" else path)
    return paths
