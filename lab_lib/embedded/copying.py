"""ministack cannot copy an account; goes when it can.

A probe works on a copy of the account, which is held by a server of its own, with the same keys. The server's processes
of functions and their /tmp are not copied, so each function starts cold there.
"""

import importlib
import os
import pickle
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import dynamodb, lambda_svc, sqs, sts

from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server, streams, work
from lab_lib.errors import TimedOut

_QUIET, _LONGEST = 1, 10  # seconds without a call before an account is copied; that it is waited for


@contextmanager
def copied(account: str) -> Iterator[server.Server]:
    """Copy an account to another server, which ends with the context, when its chain is at rest, or after a while."""
    _wait_for_rest(account)
    with server.another(os.environ["AWS_SECRET_ACCESS_KEY"], dump(account)) as copy:
        yield copy


def dump(account: str) -> bytes:
    """Return all that an account holds."""
    modules = [module for name, module in sys.modules.items() if name.startswith("ministack.services.")]
    with streams.lock:  # no call of a function begins or ends
        held = dict[tuple[str, str], dict[Any, Any]]()
        for module in modules:
            for name, store in vars(module).items():
                if isinstance(store, AccountScopedDict | AccountRegionScopedDict):
                    parts = {key: value for key, value in list(store._data.items()) if key[0] == account}
                    held[module.__name__, name] = parts
        shards = {uuid: shard for uuid, shard in streams.shards.items() if shard.account == account}
        roles = {key: session for key, session in sts._sessions.items() if f":{account}:" in session["Arn"]}
        # In one call, during which no other thread runs.
        return pickle.dumps((held, shards, roles, dynamodb._stream_seq_counter))


def load(content: bytes) -> None:
    """Hold what another server has dumped."""
    held, shards, roles, number = pickle.loads(content)  # noqa: S301, our own
    for (module, name), parts in held.items():
        getattr(importlib.import_module(module), name)._data.update(parts)
    for shard in shards.values():
        shard.busy = False
    for queue in sqs._queues._data.values():
        queue["attributes"].pop("RedrivePolicy", None)  # else its messages could not be read often
    streams.shards.update(shards)
    sts._sessions.update(roles)
    dynamodb._stream_seq_counter = number
    sqs.DEFAULT_PORT = os.environ[server.CLIENTS_PORT]  # of the URLs of its queues
    sqs._CANONICAL_NETLOC = f"{server.HOST}:{sqs.DEFAULT_PORT}"
    lambda_svc._ensure_poller()


def _wait_for_rest(account: str) -> None:
    """Wait until no call has run for a second, but not for long."""
    last = time.monotonic()

    def is_quiet() -> bool:
        nonlocal last
        if work.count(account)["busy"]:
            last = time.monotonic()
        return time.monotonic() - last >= _QUIET

    with suppress(TimedOut):
        wait_until(is_quiet, "the chain to be at rest", timeout=_LONGEST, longest_pause=0.1)
