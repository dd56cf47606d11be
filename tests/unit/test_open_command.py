"""What `lab open` takes as the address of a proxy, and as the command of a Jupyter server."""

import pytest

from lab_lib.cli.address import jupyter_options
from tests.lab.commands import assert_refused, in_process


@pytest.mark.parametrize(
    "address",
    [
        "lab.example",
        "ftp://lab.example",
        "https://*",
        "https://10.0.0.7:8888",  # Jupyter takes no other computer's number for a name
        "https://ana@lab.example",
        "https://lab.example/?token=x",
        "https://lab.example/a b",
    ],
)
def test_what_is_not_the_address_of_a_proxy_is_refused_in_one_line(address):
    done = in_process("open", "--address", address)

    assert_refused(done)
    assert f"--address is {address!r}; wanted the address of the proxy" in done.stderr


def test_the_address_is_compared_as_a_browser_writes_it():
    options = dict(option.split("=", 1) for option in reversed(jupyter_options("HTTPS://Lab.Example:443/User/ana")))

    assert options["--ServerApp.allow_origin"] == "https://lab.example"
    assert options["--ServerApp.local_hostnames"] == "lab.example"
    assert options["--ServerApp.base_url"] == "/User/ana"


def test_the_number_of_a_notebook_is_not_taken_for_the_command_of_a_jupyter_server():
    done = in_process("open", "03")

    assert_refused(done)
    assert "'03' is not a command; wanted none, or one that starts a Jupyter server" in done.stderr
