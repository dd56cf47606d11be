"""ministack's SNS tells the time of a message in whole seconds; goes when it tells milliseconds.

An alert would seem to be older than a change of the function just before it.
"""

import json
import time
from typing import Any

from ministack.services import sns

from lab_lib.embedded import replace
from lab_lib.embedded.batches import iso_time

_envelope = sns._build_envelope


def install() -> None:
    """Write the milliseconds into each message."""
    replace(sns, "_build_envelope", envelope)


def envelope(*message: Any) -> str:
    """Return the envelope of a message, with its time to the millisecond."""
    text: str = _envelope(*message)
    is_raw = message[-1]
    now = iso_time(time.time(), "milliseconds")
    return text if is_raw else json.dumps({**json.loads(text), "Timestamp": now})
