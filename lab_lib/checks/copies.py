"""Work on a copy of the account, where nothing can harm: only the embedded AWS makes one."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lab_lib.aws import tables
from lab_lib.embedded import server
from lab_lib.errors import EmulatorError
from lab_lib.lab import Lab

_LONGEST = 120  # seconds until a copy is there; of 30,000 rows it takes three


class Copy(NamedTuple):
    """A copy of an account, and what may happen on AWS at any time, but does not at will."""

    lab: Lab

    def start_cold(self) -> None:
        """Let the next call of each function start cold."""
        self._ask("start_cold")

    def deliver_events_again(self, count: int = 1) -> None:
        """Let S3 deliver its last events again."""
        self._ask("deliver_events_again", count=count)

    def deliver_records_again(self, count: int) -> None:
        """Let the stream of Transactions deliver its last records again."""
        self._ask("deliver_records_again", table=self._rows, count=count)

    def start_only(self, functions: list[str]) -> None:
        """Let the stream of Transactions start only these functions. The records wait for the others."""
        self._ask("start_only", table=self._rows, functions=",".join(functions))

    def change_row(self, customer: str, transaction: str, **amount: str) -> None:
        """Write an item of Transactions with this amount, such as N="5"; without one, delete the item."""
        row = {"CustomerId": customer, "TransactionId": transaction}
        if amount:
            row["amount"] = json.dumps(amount)
        self._ask("change_row", table=self._rows, region=self.lab.region, **row)

    def kill(self, function: str, call: int) -> None:
        """Kill a function at its next AWS call of this number."""
        self._ask("kill_later", function=function, calls=call)

    def spare(self, function: str) -> bool:
        """Kill a function no more. Return whether it was killed."""
        return bool(self._ask("kill_later", function=function, calls=0)["left"] == 0)

    @property
    def _rows(self) -> str:
        return self.lab.name(tables.STREAMED)

    def _ask(self, act: str, **query: Any) -> Any:
        """Ask the copy for one of the acts of embedded/copies.py."""
        return self.lab.ask_embedded(f"/_lab/{act}", **query)


@contextmanager
def copied(lab: Lab) -> Iterator[Copy | None]:
    """Copy the account, for as long as the context lasts, and as the lab's user. None if the AWS makes no copies.

    The copy ends with the context, and with this process.
    """
    if lab.work() is None:
        yield None
        return
    url = urlsplit(lab.signed(server.COPY))
    with closing(HTTPConnection(str(url.hostname), url.port, timeout=_LONGEST)) as connection:
        try:
            connection.request("GET", f"{url.path}?{url.query}")
            answer = json.loads(connection.getresponse().readline(1_000))
            number = str(answer["copy"])
        except (OSError, HTTPException, ValueError, KeyError) as error:
            raise EmulatorError(
                "The embedded AWS cannot copy the account ({error}). Stop it with `lab local stop`.", error=error
            ) from None
        yield Copy(replace(lab, copy=number, _clients={}))
