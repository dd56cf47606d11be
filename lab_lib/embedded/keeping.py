"""ministack cannot give back what an account held before; goes when it can.

A probe works in the account itself, and leaves nothing in it: the account is kept before, and restored afterwards.
"""

import pickle
import sys
from contextlib import suppress
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import lambda_svc

from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import streams, work
from lab_lib.errors import TimedOut

Store = dict[Any, Any]  # by keys that begin with an account
_SCOPED = AccountScopedDict, AccountRegionScopedDict
_kept: dict[str, tuple[list[Store], bytes]] = {}  # by account: all stores, and its parts of them


def keep(account: str) -> dict[str, int]:
    """Keep all that an account holds now: `restore` takes away what comes later."""
    stores = _stores()
    with streams.lock:
        shards = {uuid: shard for uuid, shard in streams.shards.items() if shard.account == account}
        held = [_part(account, store) for store in stores], shards
        _kept[account] = stores, pickle.dumps(held)  # in one call, during which no other thread runs
    return {"kept": len(stores)}


def restore(account: str) -> dict[str, int]:
    """End all that happens in an account, and give it what was kept. KeyError if nothing was."""
    stores, content = _kept.pop(account)
    parts, shards = pickle.loads(content)  # noqa: S301, our own
    _empty(account, [lambda_svc._functions._data, lambda_svc._esms._data])  # nothing begins any more

    def is_over() -> bool:
        work.cool(account)
        return not work.tries(account)

    with suppress(TimedOut):  # what still runs then would be better lost than the account
        wait_until(is_over, "the calls to end", timeout=25)
    with streams.lock:
        for shard in shards.values():
            shard.busy = False
        streams.shards.update(shards)
        _empty(account, _stores())
        for store, part in zip(stores, parts, strict=True):
            store.update(part)
    esm_wake.set()  # what was tried again is tried again
    return {"restored": len(stores)}


def _stores() -> list[Store]:
    """Return all in which ministack's services hold something for accounts."""
    stores = list[Store]()
    for name, service in list(sys.modules.items()):
        if name.startswith("ministack.services."):
            held = [value for value in vars(service).values() if isinstance(value, _SCOPED)]
            stores += [value._data for value in held]
    return stores


def _part(account: str, store: Store) -> Store:
    return {key: value for key, value in list(store.items()) if key[0] == account}


def _empty(account: str, stores: list[Store]) -> None:
    for store in stores:
        for key in _part(account, store):
            del store[key]
