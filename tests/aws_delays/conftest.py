"""A lab whose calls meet AWS's delays, in an account of its own."""

import itertools
import time
from dataclasses import replace

import pytest
from botocore import endpoint, waiter

from lab_lib.calls import waiting
from lab_lib.calls.recent import PATIENCE
from lab_lib.lab import Lab, open_lab
from tests.aws_delays.layer import Layer

ACCOUNTS = itertools.count(600_000_000_001)


@pytest.fixture
def account():
    """Return twelve digits that no other test uses."""
    return str(next(ACCOUNTS))


@pytest.fixture
def sped_up(tmp_path, account, monkeypatch):
    """sped_up("table", …): a lab that meets these delays, and what returns how many seconds it has waited.

    Its waits take next to no time.
    """

    def sped_up(*names, speed=1e9, **settings):
        lab, layer = open_lab(account=account, **settings), Layer(tmp_path, account, speed, names)
        for event, handler in layer.handlers.items():
            lab.session.events.register_last(event, handler)
        for module in (endpoint, waiter):
            monkeypatch.setattr(module, "time", time)
        monkeypatch.setattr(time, "monotonic", time.monotonic)
        monkeypatch.setattr(Lab, "is_real", True)  # so that it looks as seldom as on AWS
        monkeypatch.setattr(waiting.wait_until, "__kwdefaults__", dict(waiting.wait_until.__kwdefaults__))
        layer.speed_up()
        return replace(lab, patience=PATIENCE), layer.shared.ahead

    return sped_up
