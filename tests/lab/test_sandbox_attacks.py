"""Play what a student's code could try in the sandbox. docs/instructors.md names these tests, line by line."""

import ctypes
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab_lib.classroom import sandbox, system_calls
from lab_lib.classroom.sandbox import Ended, Limits, Sandbox
from lab_lib.exercises import workbook

pytestmark = pytest.mark.skipif(bool(sandbox._fault()), reason="there is no sandbox here")

DEVICES = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")}
# What each attack prints: a list of what it got, empty if it got nothing.
TRIED = """
import ctypes, json, os, pathlib, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL("libseccomp.so.2")

def got(*acts):
    found = []
    for act in acts:
        try:
            found.append(str(act())[:200])
        except OSError:
            pass
    return found

def call(name, *values):
    answer = libc.syscall(seccomp.seccomp_syscall_resolve_name(name.encode()), *values)
    if answer < 0:
        raise OSError(ctypes.get_errno(), "")
    return name

def files(*roots):
    for root in roots:
        for folder, _, names in os.walk(root):
            yield from (os.path.join(folder, name) for name in names)

def opened(path):
    if not stat.S_ISREG(os.lstat(path).st_mode):  # such as a link to the program's own pipe
        raise OSError
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
"""


def attack(code, **environment):
    """Run code in the sandbox; return what it got."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**sandbox._environment("/tmp/work"), **environment}
    with sandbox._sandboxed([sys.executable, "-c", f"{TRIED}\n{code}"], env=environment, **settings) as process:
        out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error.decode()
    return json.loads(out)


def test_no_file_of_proc_sys_and_the_rest_can_be_written_to():
    code = """
writable = [path for path in files("/proc", "/sys", "/etc", "/usr/bin", sys.prefix, {lab!r})
            if got(lambda: opened(path))]
tried = len(list(files("/proc/sys")))
print(json.dumps([tried, writable]))
"""
    tried, writable = attack(code.format(lab=str(Path(sandbox.__file__).parents[1])))

    assert tried > 500
    assert writable == []


def test_nothing_is_there_but_programs_python_and_the_lab(tmp_path):
    (secret := tmp_path / "secret").write_text("of the instructor")
    data = workbook.DATA_FILE.parent  # where a roster may be
    code = f"""
print(json.dumps([sorted(os.listdir("/")), sorted(os.listdir({str(data)!r})), got(
    lambda: open({str(secret)!r}).read(), lambda: open("/etc/passwd").read(), lambda: os.listdir({str(Path.home())!r}),
    lambda: open("/proc/keys").read(), lambda: open("/proc/timer_list").read(), lambda: open("/proc/kmsg").read(9),
    lambda: os.mkdir("/new"), lambda: open("/etc/new", "w"), lambda: open("/dev/new", "w"))]))
"""
    top, of_data, found = attack(code)

    assert of_data == ["break-it-corrected.txt", "break-it.txt", "transactions.txt", "wrong"]
    assert {*top} <= {"bin", "dev", "etc", "lib", "lib32", "lib64", "opt", "proc", "root", "sbin", "tmp", "usr"} | {
        path.parts[1] for path in map(Path, (sys.prefix, sys.base_prefix, sandbox.__file__))
    }
    assert [each for each in found if each != "[]" and not each.startswith("['.")] == []


def test_it_writes_to_memory_only(tmp_path):
    code = """
written = 0
try:
    with open("/tmp/flood", "wb") as file:
        while True:
            written += file.write(bytes(1_000_000))
except OSError:
    pass
print(json.dumps([written // 1_000_000, open("/proc/mounts").read()]))
"""
    megabytes, mounts = attack(code)

    assert 200 < megabytes <= 256
    writable = [line.split() for line in mounts.splitlines() if "rw" in line.split()[3].split(",")]
    assert {(kind, place) for _, place, kind, *_ in writable} == {
        *(("tmpfs", "/tmp"), ("tmpfs", "/dev/shm"), ("devpts", "/dev/pts")),
        *((kind, place) for _, place, kind, *_ in writable if place in DEVICES),
    }


def test_there_is_no_network_of_any_family():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = f"""
families = [family for family in range(70) for kind in (1, 2, 3, 5) if got(lambda: socket.socket(family, kind))]
print(json.dumps([sorted({{*families}} - {{0, socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}}),
    got(lambda: socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}), 3),
        lambda: socket.create_connection(("192.0.2.1", 53), 3),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        lambda: socket.socket(socket.AF_UNIX).connect("\\0" + "x"))]))
"""
        assert attack(code) == [[], []]
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    "calls",
    [
        'lambda: call("unshare", 0x10000000), lambda: call("unshare", 0x40000000), lambda: call("setns", 0, 0)',
        'lambda: call("clone", 0x10000000 | 17, 0, 0, 0, 0)',
        'lambda: call("mount", b"x", b"/tmp", b"tmpfs", 0, 0), lambda: call("pivot_root", b"/tmp", b"/tmp")',
        'lambda: call("bpf", 0, 0, 0), lambda: call("perf_event_open", 0, 0, 0, 0, 0), lambda: call("userfaultfd", 0)',
        'lambda: call("io_uring_setup", 1, ctypes.create_string_buffer(200))',
        'lambda: call("memfd_create", b"x", 0), lambda: call("shmget", 0, 4096, 0o1600)',
        "lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chroot('/tmp'), lambda: call('sethostname', b'x', 1)",
        "lambda: os.kill(-1, 0) or len([each for each in os.listdir('/proc') if each.isdigit()]) < 5 or os.stat('/no')",
    ],
)
def test_the_kernel_refuses_what_no_notebook_needs(calls):
    assert attack(f"print(json.dumps(got({calls})))") in ([], ["True"])


def test_it_has_no_capability_and_gets_none():
    status = attack("print(json.dumps(dict(line.split(':', 1) for line in open('/proc/self/status'))))")

    assert {name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")} == {
        **dict.fromkeys(("CapEff", "CapPrm", "CapBnd"), "0" * 16),
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }


@pytest.fixture
def key():
    """A key of this computer's user that anybody may read; its name in the kernel. It is gone afterwards."""
    libc, library = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    number = {name: library.seccomp_syscall_resolve_name(name.encode()) for name in ("add_key", "keyctl")}
    secret = b"of the instructor"
    made = libc.syscall(number["add_key"], b"user", b"lab-test-key", secret, len(secret), -4)  # @u, the user's keyring
    if made < 0:
        pytest.skip("keys cannot be made here")
    libc.syscall(number["keyctl"], 5, made, 0x3F3F3F3F)  # all permissions for all
    yield made
    libc.syscall(number["keyctl"], 9, made, -4)


def test_no_key_of_the_user_can_be_read(key):
    code = f"""
room = ctypes.create_string_buffer(100)
print(json.dumps(got(
    lambda: call("keyctl", 11, {key}, room, 100) and room.value,
    lambda: call("request_key", b"user", b"lab-test-key", 0, 0),
    lambda: call("keyctl", 0, -3, 0), lambda: call("add_key", b"user", b"x", b"x", 1, -3),
    lambda: open("/proc/keys").read())))
"""
    assert attack(code) == []


def test_a_sandbox_has_a_keyring_of_its_own_and_the_user_keeps_theirs():
    libc, library = ctypes.CDLL(None), ctypes.CDLL("libseccomp.so.2")
    number = library.seccomp_syscall_resolve_name(b"keyctl")
    if (own := libc.syscall(number, 0, -3, 0)) < 0:
        pytest.skip("there are no keys here")
    # The session keyring, and whether the user's is found in it.
    code = f"""import ctypes
libc = ctypes.CDLL(None)
print(libc.syscall({number}, 0, -3, 0), libc.syscall({number}, 10, -3, b"keyring", b"_uid.{os.getuid()}", 0))"""

    command = system_calls.without_keyring([sys.executable, "-c", code])
    session, users = map(int, subprocess.check_output(command).split())

    assert (session != own, users) == (True, -1)
    assert libc.syscall(number, 0, -3, 0) == own


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "x = bytearray(900_000_000); [os.fork() for _ in range(3)]; x[::4096] = b'x' * len(x[::4096])",
            "GB of memory",
        ),
        ("[os.fork() for _ in range(8)]", "processes"),
        ("", "did not end within"),
    ],
)
def test_what_takes_too_much_is_stopped_as_a_whole(code, why):
    program = f"import os, time\n{code}\nwhile True: time.sleep(9)"
    process = sandbox._sandboxed(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    box = Sandbox(process, 0, Limits(-29.5 if "within" in why else 60))  # half a second in all

    with box._to, box._from, pytest.raises(Ended, match=why):
        box.hear()
    with pytest.raises(Ended, match=why):
        box.require()
    box.stop("The test is over.")  # waits for its end
    assert process.returncode is not None
