"""How the kernels of headless runs are spoken to: by nobody but who started them, and by nothing that can be taken."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import nbformat
import pytest
from jupyter_core.utils import run_sync

from lab_lib.run import headless, kernels
from lab_lib.waiting import wait_until

INTERRUPTED = """
import sys
from contextlib import closing
from pathlib import Path
import zmq.asyncio
from lab_lib.run import kernels

get = zmq.asyncio.Socket.get

def interrupted(*_):
    zmq.asyncio.Socket.get = get
    raise KeyboardInterrupt

with closing(getattr(kernels, sys.argv[1])([Path(sys.argv[2])])) as given:
    client = next(given).client()
    zmq.asyncio.Socket.get = interrupted  # which a socket calls while it is being made
    client.start_channels()
"""


@pytest.fixture
def path(tmp_path):
    """A notebook without cells."""
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "00-empty.ipynb")
    return tmp_path / "00-empty.ipynb"


@pytest.fixture(params=[kernels.fresh_kernels, kernels.one_kernel])
def way(request):
    """How kernels are given: fresh ones, or one for all notebooks."""
    return request.param


@pytest.fixture
def given(way, path):
    """The kernels for this notebook."""
    with closing(way([path])) as given:
        yield given


def answering(given):
    """The kernel, once it answers."""
    kernel = next(given)
    client = kernel.client()
    client.start_channels()
    run_sync(client.wait_for_ready)()
    return kernel


def folder_of(kernel):
    return Path(kernel.connection_file).parent


def test_a_kernel_starts_though_other_programs_take_all_ports_that_were_chosen_for_it(path, way, monkeypatch):
    write_connection_file = kernels.Kernel.write_connection_file

    with ExitStack() as taken:

        def write_and_take(kernel, **settings):
            write_connection_file(kernel, **settings)
            for port in kernel.ports:
                with suppress(PermissionError):  # what is no port of TCP is a low number, which is for root only
                    taken.enter_context(socket.create_server(("127.0.0.1", port)))

        monkeypatch.setattr(kernels.Kernel, "write_connection_file", write_and_take)
        with closing(way([path])) as given:
            assert answering(given).has_kernel


def test_nobody_else_on_the_machine_can_speak_to_a_kernel_or_listen(given):
    folder = folder_of(answering(given))

    assert len(list(folder.glob("channel-*"))) == 5
    assert folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0


def test_a_kernel_leaves_nothing_in_the_temporary_folder(given):
    folder = folder_of(answering(given))

    given.close()

    assert not folder.exists()


def test_a_temporary_folder_with_a_long_name_is_no_hindrance(path, tmp_path, monkeypatch):
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with closing(kernels.fresh_kernels([path])) as given:
        assert answering(given).has_kernel


def test_ctrl_c_while_a_socket_is_being_made_does_not_keep_the_run_from_ending(way, path):
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, way.__name__, path], capture_output=True, timeout=60, check=False
    )

    assert ended.stderr.splitlines()[-1] == b"KeyboardInterrupt"


def test_a_kernel_that_has_ended_by_itself_can_still_be_ended(given):
    kernel = answering(given)
    os.kill(kernel.provisioner.pid, signal.SIGKILL)
    wait_until(lambda: kernel.provisioner.process.poll() is not None, "the kernel to end")

    given.close()

    assert not kernel.has_kernel


def test_folders_may_have_braces_in_their_names(tmp_path, moto_lab):
    path, out = tmp_path / "{notebooks}" / "00.ipynb", tmp_path / "{account}"
    for folder in (path.parent, out):
        folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)

    with closing(kernels.fresh_kernels([path])) as given:
        step = headless.run_one(path, out, {}, moto_lab, next(given))

    assert step.ok, step.error
    assert (out / "00.ipynb").is_file()
