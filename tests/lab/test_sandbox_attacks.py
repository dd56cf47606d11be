"""Play what a student's code could try in the sandbox. docs/embedded-aws.md says what holds."""

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab_lib.classroom import sandbox
from lab_lib.classroom.sandbox import Ended, Sandbox
from lab_lib.exercises import copies, runner
from lab_lib.processes import box, limits
from tests.web_server import unasked

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(sandbox.fault()), reason="there is no sandbox here")]

DEVICES = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")}
# What each attack prints: a list of what it got, empty if it got nothing.
TRIED = """
import ctypes, json, os, pathlib, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL("libseccomp.so.2")

def got(*acts):
    seen = []
    for act in acts:
        try:
            seen.append(str(act())[:200])
        except OSError:
            pass
    return seen

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
    command = [sys.executable, "-c", f"{TRIED}\n{code}"]
    with box.start(command, sandbox._view_of_lab(), sandbox._MOST_FILES, env=environment, **settings) as process:
        out, error = process.communicate()
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
    data = copies.DATA_FILE.parent  # where a roster may be
    code = f"""
print(json.dumps([sorted(os.listdir("/")), sorted(os.listdir({str(data)!r})), got(
    lambda: open({str(secret)!r}).read(), lambda: open("/etc/passwd").read(), lambda: os.listdir({str(Path.home())!r}),
    lambda: open("/proc/keys").read(), lambda: open("/proc/timer_list").read(), lambda: open("/proc/kmsg").read(9),
    lambda: os.mkdir("/new"), lambda: open("/etc/new", "w"), lambda: open("/dev/new", "w"))]))
"""
    top, of_data, answers = attack(code)

    assert of_data == ["break-it-corrected.txt", "break-it.txt", "transactions.txt", "wrong"]
    assert {*top} <= {"bin", "dev", "etc", "lib", "lib32", "lib64", "opt", "proc", "root", "sbin", "tmp", "usr"} | {
        path.parts[1] for path in map(Path, (sys.prefix, sys.base_prefix, sandbox.__file__))
    }
    assert [answer for answer in answers if answer != "[]" and not answer.startswith("['.")] == []


def test_notebooks_in_the_package_are_not_there_since_they_are_the_solutions(monkeypatch):
    inside = sandbox.PACKAGE / "handlers"  # as where the lab was installed
    monkeypatch.setattr(sandbox, "NOTEBOOKS", inside)
    code = f"print(json.dumps([os.listdir({str(inside)!r}), got(lambda: os.mkdir({str(inside / 'new')!r}))]))"

    assert attack(code) == [[], []]


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
    with unasked() as port:
        code = f"""
families = [family for family in range(70) for kind in (1, 2, 3, 5) if got(lambda: socket.socket(family, kind))]
print(json.dumps([sorted({{*families}} - {{0, socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}}),
    got(lambda: socket.create_connection(("127.0.0.1", {port}), 3),
        lambda: socket.create_connection(("192.0.2.1", 53), 3),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        lambda: socket.socket(socket.AF_UNIX).connect("\\0" + "x"))]))
"""
        assert attack(code) == [[], []]


@pytest.mark.parametrize(
    "calls",
    [
        'lambda: call("unshare", 0x10000000), lambda: call("unshare", 0x40000000), lambda: call("setns", 0, 0)',
        'lambda: call("clone", 0x10000000 | 17, 0, 0, 0, 0)',
        'lambda: call("mount", b"x", b"/tmp", b"tmpfs", 0, 0), lambda: call("pivot_root", b"/tmp", b"/tmp")',
        'lambda: call("bpf", 0, 0, 0), lambda: call("perf_event_open", 0, 0, 0, 0, 0), lambda: call("userfaultfd", 0)',
        'lambda: call("io_uring_setup", 1, ctypes.create_string_buffer(200))',
        'lambda: call("memfd_create", b"x", 0), lambda: call("shmget", 0, 4096, 0o1600)',
        'lambda: call("msgget", 0, 0o1600), lambda: call("semget", 0, 1, 0o1600), '
        'lambda: call("mq_open", b"x", 0o102, 0o600, 0)',
        """lambda: __import__("mmap").mmap(-1, 4096), lambda: open("/dev/zero", "r+b"),
        *(lambda option=option: socket.socket().setsockopt(socket.SOL_SOCKET, option, 9999) for option in (7, 8)),
        lambda: [open("/dev/null") for _ in range(300)] and 'files'""",
        "lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chroot('/tmp'), lambda: call('sethostname', b'x', 1)",
        "lambda: os.kill(-1, 0) or len([name for name in os.listdir('/proc') if name.isdigit()]) < 5 or os.stat('/no')",
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
    """Yield a key of this computer's user that anybody may read; its name in the kernel. It is gone afterwards."""
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


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("for number in range(10**6): open(f'/tmp/{number}', 'w').close()", "GB of memory"),
        (
            "x = bytearray(900_000_000); [os.fork() for _ in range(3)]; x[::4096] = b'x' * len(x[::4096])",
            "GB of memory",
        ),
        ("[os.fork() for _ in range(9)]", "processes and threads"),
        ("", "more than 0 s"),
    ],
)
@pytest.mark.parametrize("make", [limits.made, limits.Limits])
def test_what_takes_too_much_is_stopped_as_a_whole(make, code, why):
    program = f"import os, time\n{code}\nwhile True: time.sleep(9)"
    settings = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
    most = make(10**8 if "open" in code else sandbox._MOST_MEMORY, sandbox._MOST_TASKS)
    command = [sys.executable, "-c", program]
    process = box.start(command, sandbox._view_of_lab(), sandbox._MOST_FILES, [], most.groups, **settings)
    stopped = Sandbox(process, 0, 60 if code else 0, most)

    with stopped.process.stdin, stopped.process.stdout, pytest.raises(Ended, match=why):
        stopped.hear()
    with pytest.raises(Ended, match=why):
        stopped.require()
    stopped.stop("The test is over.")  # waits for its end
    most.release()
    assert process.returncode is not None
    assert not [group for group in most.groups if group.exists()]


# A student's function: it plays the attack of its start, and answers with what it got. `late` are its last words.
FUNCTION = f"""{TRIED}
import mmap, resource, threading, time

def lambda_handler(event, context):
    seen, late = [], b""
    exec(ATTACKS[event["Records"][0]], {{**globals(), **locals()}})
"""
ANSWER = 'os.write(3, json.dumps({"done": 0, "why": json.dumps(seen)}).encode() + b"\\n" + late); time.sleep(9)'


@pytest.fixture
def starts():
    """starts(code, …): how the starts ended that played this code one after the other, by the same program."""

    def starts(*attacks):
        text = f"{FUNCTION}\nATTACKS = {[f'{code}{chr(10)}{ANSWER}' for code in attacks]!r}"
        with runner.Runner({runner.MODULE: text.encode()}) as running:
            running.begin(100)
            outcomes, programs = [], set()
            for place in range(len(attacks)):
                outcomes.append(running.start({}, "http://127.0.0.1:1", [[place, f"of-batch-{place}"]]))
                programs.add(running._process)
            assert len(programs) == 1
            return outcomes

    return starts


def test_a_function_sees_python_boto3_and_its_file_only(starts):
    code = """
import importlib.util
seen = [os.listdir("/function"), os.listdir("/tmp"), list(files("/proc")), socket.gethostname(),
    [name for name in ("lab_lib", "psutil", "pip", "boto3") if importlib.util.find_spec(name)],
    [path for path in files("/") if "lab_lib" in path or "roster" in path or "-packages/" in path][:3],
    [number for number in range(99) if got(lambda: os.fstat(number))]]
"""
    folder, work, processes, host, modules, paths, descriptors = json.loads(starts(code)[0].why)

    assert sorted(folder) == ["my_notifier.py", "packages", "trial_runtime.py"]
    assert (work, processes, host, modules, paths) == ([], ["/proc/self/exe"], "lab", ["boto3"], [])
    assert descriptors == [0, 1, 2, 3]


def test_nothing_survives_a_start(starts):
    state = """
seen = [os.listdir("/tmp"), os.stat("/tmp").st_mtime, os.stat("/tmp").st_mode, os.listxattr("/tmp"),
    resource.getrlimit(resource.RLIMIT_MSGQUEUE), len(os.sched_getaffinity(0)), os.getpriority(0, 0)]
"""
    leave = """
seen = got(lambda: os.makedirs("/tmp/a/b"), lambda: open("/tmp/a/c", "w").write("x"),
    lambda: os.utime("/tmp", (9, 9)), lambda: os.chmod("/tmp", 0o750), lambda: os.setxattr("/tmp", "user.x", b"x"),
    lambda: open("/dev/shm/x", "w"), lambda: os.utime("/dev/null"), lambda: os.chmod("/dev/null", 0o666),
    lambda: resource.prlimit(1, resource.RLIMIT_MSGQUEUE, (1, 1)), lambda: os.sched_setaffinity(1, {0}),
    lambda: os.setpriority(0, 1, 5), lambda: os.fork() or os.setsid(), lambda: os.posix_spawn("/bin/sleep", ["9"], {}),
    lambda: socket.create_server(("127.0.0.1", 4242)), lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
"""
    _, before, left, after = starts(state, state, leave, state)

    assert json.loads(left.why) == ["None", "1"]  # two files
    assert after == before


def test_no_memory_of_an_earlier_start_is_left(starts):
    # write fails where there is no memory, and does not end the process.
    scan = """
import re
libc.sbrk.restype = ctypes.c_void_p
libc.write.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t
reader, writer = os.pipe()
for top in (libc.sbrk(0), id(object()), id(os), id(seen)):
    for page in range((top & -4096) - (64 << 20), top + (8 << 20), 4096):
        if libc.write(writer, page, 4096) == 4096:
            seen += re.findall(b"of-batch-[0]|of-the-[a]nswer", os.read(reader, 4096))
seen = sorted({mark.decode() for mark in seen})
"""
    last = 'late = ("of-the-" + "answer").encode() * 50'
    outcomes = starts(last, scan)

    assert json.loads(outcomes[1].why) == []


def test_the_program_that_starts_the_function_can_be_neither_read_nor_ended_nor_made_to_lie_later(starts):
    code = """
room, size = ctypes.create_string_buffer(16), ctypes.c_size_t
parts = [(size * 2)(address, 16) for address in (ctypes.addressof(room), id(os))]
seen = got(lambda: call("ptrace", 0x4206, 1, 0, 0), lambda: call("process_vm_readv", 1, parts[0], 1, parts[1], 1, 0),
    lambda: os.close(os.pidfd_open(1)) or call("pidfd_getfd", os.pidfd_open(1), 3, 0),
    *(lambda number=number: os.write(number, b"x") for number in range(4, 64)))
for number in (9, 19, 2, 15, 1, 14, 34):
    os.kill(1, number)
late = b'{"done": 7}\\n{"status": 0}\\n' * 50
"""
    attacked, after = starts(code, "seen = ['as ever']")

    assert (attacked.done, json.loads(attacked.why)) == (0, [])
    assert (after.done, json.loads(after.why)) == (0, ["as ever"])


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("room = bytearray(400_000_000)\nroom[::4096] = b'x' * len(room[::4096])\ntime.sleep(9)", "GB of memory"),
        (
            "threading.stack_size(65_536)\nfor _ in range(120): threading.Thread(target=time.sleep, args=(9,)).start()",
            "threads",
        ),
    ],
)
def test_a_function_that_takes_too_much_is_stopped(starts, code, why, monkeypatch):
    monkeypatch.setattr(runner, "_MOST_MEMORY", 2**28)
    with pytest.raises(runner.TooMuch, match=why):
        starts(f"{code}\ntime.sleep(9)")
