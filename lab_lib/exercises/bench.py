"""The bench on which a learner's function is tried: an AWS of its own, and one shard of a stream."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lab_lib.aws import functions, policies, queues, roles, tables, topics, triggers
from lab_lib.aws.json_text import amount, having, json_object
from lab_lib.aws.streams import Record
from lab_lib.exercises.holding import Holding
from lab_lib.exercises.made_up_records import MadeUpRecords
from lab_lib.lab import Lab

TRIES = 3  # deliveries after which a batch that still fails is held up
SUBJECT = "Warning! Account balance is very high"
_FUNCTION, _ROLE, _QUEUE = "Trial", "TotalNotifierRole", queues.ALERT_QUEUES[0]
_RUNTIME = Path(__file__).parents[1] / "handlers" / "trial_runtime" / "trial_runtime.py"
_MOST_MESSAGES = 500  # that are read from a queue, which the function may have filled
_LONGEST = 300_000  # characters of a message that are read; SNS and Lambda send fewer


class OutOfTime(Exception):
    """The function did not end in time."""


class Bench:
    """The learner's function on AWS: delivers batches to it, and tells what the account holds afterwards.

    Each case, begun by `begin`, has customers of its own. In the account, their ids begin with its scope.
    """

    def __init__(self, lab: Lab, code: bytes) -> None:
        self.lab, self.records = lab, MadeUpRecords(lab)
        for table in ("TransactionTotal", "ProcessedRecords"):
            tables.ensure_table(lab, table)
        self._urls = {name: queues.ensure_queue(lab, name) for name in (_QUEUE, queues.DEAD_LETTERS)}
        self.restore_topic()
        lab.client("lambda").create_function(
            FunctionName=_FUNCTION,
            Role=roles.ensure_role(lab, _ROLE, _permissions(lab)),
            Runtime=functions.RUNTIME,
            Handler=f"{_RUNTIME.stem}.lambda_handler",
            Code={"ZipFile": functions.zipped({_RUNTIME.name: _RUNTIME.read_bytes(), "my_notifier.py": code})},
            Timeout=functions.TIMEOUT,
            Environment={"Variables": functions.variables(lab, "TotalNotifier")},
        )

    def begin(self, scope: str, seconds: float, kill_after: int = 0) -> None:
        """Begin a case. The function has so many seconds in all, and is killed once, after this AWS call of its own."""
        self.records.begin(scope)
        self._deadline, self._kill_after, self.killed = time.monotonic() + seconds, kill_after, ""
        self._before, self._waiting, self._error = self._totals(), list[list[Record]](), ""

    def deliver(self, *batches: list[Record], tries: int = TRIES) -> bool:
        """Deliver the batches in turn, and again what fails. Return False if one still fails, and holds up the next."""
        self._waiting += batches
        for _ in range(tries):
            if self._waiting:
                self._try_once()
        return not self._waiting

    def remove_topic(self) -> None:
        """Delete the topic, with its subscription."""
        topics.delete_topic(self.lab)

    def restore_topic(self) -> None:
        """Create the topic, and subscribe the queue that the alerts are read from."""
        topics.ensure_topic(self.lab)
        triggers.ensure_queue_subscription(self.lab, _QUEUE)

    def holding(self) -> Holding:
        """Return what the function has changed in the account, and empty the queues."""
        now = self._totals()
        changed = {name for name in {**self._before, **now} if self._before.get(name) != now.get(name)}
        # The ids of the case's transactions begin with its scope.
        ids = re.compile(rf"{re.escape(self.records.scope)}[0-9]+")
        letters = {each for body in self._take(queues.DEAD_LETTERS) for each in ids.findall(body)}
        return Holding(
            {self._short(name): now.get(name, "deleted") for name in sorted(changed)},
            dict(sorted(Counter(map(self._alerted, self._take(_QUEUE))).items())),
            len(letters & {*self.records.transactions}),
            self._error if self._waiting else "",
        )

    def _try_once(self) -> None:
        """Deliver what waits, in one start of the function, up to the first batch that fails."""
        answer = self._invoke()
        self.killed = str(answer.get("killed", self.killed))
        outcomes = answer.get("outcomes")
        for outcome in outcomes[: len(self._waiting)] if isinstance(outcomes, list) else []:
            batch = self._waiting.pop(0)
            if outcome:
                self._waiting.insert(0, _failed_part(batch, outcome))
                self._error = outcome if isinstance(outcome, str) else "the records that the function names as failed"
                break

    def _invoke(self) -> dict[str, Any]:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise OutOfTime
        event = {"Batches": self._waiting, "KillAfter": self._kill_after, "Seconds": seconds}
        self._kill_after = 0
        answer = self.lab.client("lambda").invoke(FunctionName=_FUNCTION, Payload=json.dumps(event))
        result = json_object(answer["Payload"].read())
        if time.monotonic() >= self._deadline:
            raise OutOfTime
        if "FunctionError" in answer or not result:
            return {"outcomes": ["the end of its process"]}
        return result

    def _totals(self) -> dict[str, Any]:
        return {
            item["CustomerId"]: item["accountBalance"]
            for item in tables.items(self.lab, "TransactionTotal")
            if "accountBalance" in item
        }

    def _take(self, queue: str) -> list[str]:
        """Return the bodies of the messages in the queue, and empty it."""
        sqs, url, bodies = self.lab.client("sqs"), self._urls[queue], list[str]()
        while len(bodies) < _MOST_MESSAGES:
            received = having(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []), "Body")
            if not received:
                break
            bodies += [message["Body"][:_LONGEST] for message in received]
        if bodies:
            sqs.purge_queue(QueueUrl=url)
        return bodies

    def _alerted(self, body: str) -> str:
        """Return the customer of the alert, or what is wrong with it."""
        envelope = json_object(body)
        message, subject = json_object(envelope.get("Message")), envelope.get("Subject")
        customer, balance = message.get("customerID"), amount(message.get("accountBalance"))
        if subject == SUBJECT and balance is not None and balance >= self.lab.threshold and isinstance(customer, str):
            return self._short(customer)
        return f"nobody ({str(subject)[:40]!r}, {str(envelope.get('Message'))[:80]!r})"

    def _short(self, customer: str) -> str:
        """Return the letter of a customer of this case; others have their whole names."""
        return customer.removeprefix(self.records.scope)


def _failed_part(batch: list[Record], outcome: Any) -> list[Record]:
    """Return the batch from the first record on that the function names; the whole batch if it names none."""
    places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(batch)}
    return batch[min(places.get(str(each), 0) for each in outcome) if isinstance(outcome, list) else 0 :]


def _permissions(lab: Lab) -> policies.Policy:
    return policies.document(*policies.total_notifier(lab)["Statement"], policies.items_of_notifier(lab))
