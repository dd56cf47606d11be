"""Correct small things that ministack does unlike AWS. Each function says what, and goes when ministack is right."""

import json
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from ministack.core import iam_evaluator
from ministack.services import dynamodb, iam, sns

from lab_lib.embedded import replace

_EXACT = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact])  # the numbers that DynamoDB stores
_simulated: ContextVar[tuple[str, str]] = ContextVar("simulated")  # a condition key, in lower case, and its value
_policies, _resolve = iam_evaluator._gather_role_policies, iam_evaluator._resolve_condition_key
_params, _envelope, _read_data = iam._extract_simulate_params, sns._build_envelope, TCPServer._read_data


def install() -> None:
    """Put these functions in the places of ministack's."""
    replace(dynamodb, "Decimal", Number)
    replace(sns, "_build_envelope", envelope)
    replace(iam_evaluator, "_gather_role_policies", policies)
    replace(iam, "_extract_simulate_params", simulate_params)
    replace(iam_evaluator, "_resolve_condition_key", resolve)
    replace(TCPServer, "_read_data", read_data)


class Number(Decimal):
    """A number of DynamoDB: a sum is exact or refused. ministack rounds it to 28 digits, and keeps 1500.00's zeros."""

    def __add__(self, other: Any) -> "Number":
        try:
            return Number(f"{_EXACT.normalize(_EXACT.add(self, other)):f}")
        except Inexact:  # DynamoDB has the same message for too many digits
            message = "Number overflow. Attempting to store a number with magnitude larger than supported range"
            raise ValueError(message) from None


def envelope(*message: Any) -> str:
    """Return the envelope of a message of SNS, with its time to the millisecond. ministack's is in whole seconds.

    An alert would seem to be older than a change of the function just before it.
    """
    text: str = _envelope(*message)
    is_raw = message[-1]
    if is_raw:
        return text
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({**json.loads(text), "Timestamp": now})


def policies(role: str, account: str) -> Any:
    """Return the policies of a role that the simulator names with its path, which ministack does not find."""
    return _policies(role.rsplit("/", 1)[-1], account)


def simulate_params(request: Any) -> Any:
    """Read a request of the policy simulator, and keep its first condition key, which ministack does not know."""
    entry = "ContextEntries.member.1"
    name = iam._p(request, f"{entry}.ContextKeyName")
    value = iam._p(request, f"{entry}.ContextKeyValues.member.1")
    _simulated.set((name.lower(), value))
    return _params(request)


def resolve(key: str, context: Any) -> Any:
    """Return the value of a condition key: that of the simulation's request, such as another time, else the usual."""
    name, value = _simulated.get(("", ""))
    return value if key.lower() == name else _resolve(key, context)


async def read_data(server: TCPServer) -> None:
    """Read what a client sends, to its end, and close the connection. hypercorn keeps it until it was idle for long.

    In a sandbox, the embedded AWS may have 256 open files, and a trial of a function makes thousands of connections.
    """
    await _read_data(server)
    await server.idle_task.stop()
