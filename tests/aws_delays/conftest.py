"""A lab whose calls meet one of AWS's delays, in an account of its own."""

import itertools
import time
from dataclasses import replace

import pytest
from botocore import endpoint, waiter

from lab_lib import waiting
from lab_lib.lab import open_lab
from lab_lib.recent import PATIENCE
from tests.aws_delays.behaviours import DELAYS
from tests.aws_delays.layer import Layer
from tests.aws_delays.runs import Run, write_settings

SPEED = 100  # a faster clock takes a slow moment of this computer for minutes of AWS
ACCOUNTS = itertools.count(600_000_000_001)


@pytest.fixture
def account():
    """Return twelve digits that no other test uses."""
    return str(next(ACCOUNTS))


@pytest.fixture
def layered(tmp_path, account):
    """layered("table", …): a lab that meets these delays, and its layer."""

    def layered(*names, speed=1e9, **settings):
        lengths = {name: DELAYS[name].seconds for name in names}
        write_settings(tmp_path, account=account, lengths=lengths, speed=speed)
        lab, layer = open_lab(account=account, **settings), Layer(tmp_path)
        for event, handler in layer.handlers.items():
            lab.session.events.register_last(event, handler)
        return lab, layer

    return layered


@pytest.fixture
def sped_up(layered, monkeypatch):
    """sped_up("table", …): a lab that meets these delays, and whose waits take next to no time.

    `waits()` is how many of these delays they were long.
    """

    def sped_up(*names, **settings):
        lab, layer = layered(*names, **settings)
        lab = replace(lab, patience=PATIENCE)
        for module in (endpoint, waiter):
            monkeypatch.setattr(module, "time", time)
        monkeypatch.setattr(time, "monotonic", time.monotonic)
        monkeypatch.setattr(waiting.wait_until, "__kwdefaults__", dict(waiting.wait_until.__kwdefaults__))
        layer.speed_up()
        return lab, lambda: round(layer.clock.ahead() / (sum(layer.lengths.values()) or 1))

    return sped_up


@pytest.fixture
def run(tmp_path, account):
    """run("logs", …): a run of commands in an account with these delays."""
    return lambda *names: Run(tmp_path / "run", account, {name: DELAYS[name].seconds for name in names}, SPEED)
