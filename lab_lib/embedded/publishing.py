"""ministack's SNS tells the time of a message in whole seconds; goes when it tells milliseconds.

An alert would seem to be older than a change of the function just before it.
"""

import json
from datetime import UTC, datetime
from typing import Any

from ministack.services import sns

from lab_lib.embedded import replace

_envelope = sns._build_envelope


def install() -> None:
    """Write the milliseconds into each message."""
    replace(sns, "_build_envelope", envelope)


def envelope(*message: Any) -> str:
    """Return the envelope of a message, with its time to the millisecond."""
    text: str = _envelope(*message)
    is_raw = message[-1]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text if is_raw else json.dumps({**json.loads(text), "Timestamp": now})
