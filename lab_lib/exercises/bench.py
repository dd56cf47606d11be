"""Try a learner's function in an empty account of an embedded AWS, a new one for each try of a case."""

import json
from typing import NamedTuple

from lab_lib.aws import functions, policies, queues, tables, topics
from lab_lib.checks import upload
from lab_lib.embedded.batches import halves
from lab_lib.exercises.cases import Batch, History
from lab_lib.exercises.runner import Outcome, Runner
from lab_lib.lab import Lab

_ALERTS = queues.ALERT_QUEUES[0]
_USER = "TotalNotifier"
_TABLES = ("TransactionTotal", "ProcessedRecords")
_MOST_LETTERS = 500  # that are read: the function may send many
_MOST_ITEMS = 2_000  # that are read from a table
_NO_CALL = 0  # at which the function is killed: calls are counted from 1


class Held(NamedTuple):
    """The content of an account after a try, and the deliveries that led to it."""

    totals: dict[str, tables.Item]  # by customer
    alerts: list[upload.Alert]
    letters: list[str]  # as SQS gives them
    heaviest: int  # characters of the longest item of both tables
    deliveries: list[tuple[Batch, Outcome]]  # of a batch, with its end


class Bench:
    """An account with what TotalNotifier needs, and the permissions of the function of notebook 06."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._waiting = list[Batch]()
        self._deliveries = list[tuple[Batch, Outcome]]()
        for table in _TABLES:  # the account is empty: looking first would take most of the time of a trial
            tables.create_table(lab, table)
        queues.ensure_queue(lab, _ALERTS)
        self._dead_letters = queues.ensure_queue(lab, queues.DEAD_LETTERS)
        self._create_topic()
        self._variables = {**functions.variables(lab, "TotalNotifier"), **_credentials(lab)}

    def play(self, history: History, runner: Runner, kill_at: int) -> Held:
        """Take the steps in turn, and return what the account holds then.

        A start that crashes is killed at its call of the number `kill_at`.
        """
        for start in history:
            if not start.has_topic:
                topics.delete_topic(self.lab)
            self._waiting += start.batches
            self._deliver(runner, kill_at if start.crashes else _NO_CALL)
            self._deliver(runner, _NO_CALL)
            if not start.has_topic:
                self._create_topic()
        totals, markers = (tables.items(self.lab, name, most=_MOST_ITEMS) for name in _TABLES)
        by_customer = {item["CustomerId"]: item for item in totals if "accountBalance" in item}
        sizes = [len(json.dumps(item, default=str)) for item in totals + markers]
        alerts = upload.read_alerts(queues.messages(self.lab, _ALERTS), self._topic)
        return Held(by_customer, alerts, self._letters(), max(sizes, default=0), self._deliveries)

    def _deliver(self, runner: Runner, kill_at: int) -> None:
        """Deliver what waits to a new start. A batch that fails waits again in halves, as the lab's trigger asks."""
        if not self._waiting:
            return
        outcome = runner.start(self._variables, str(self.lab.endpoint), self._waiting, kill_at)
        for batch in self._waiting[: outcome.done]:
            self._deliveries.append((batch, Outcome(done=1)))
        self._waiting = self._waiting[outcome.done :]
        if self._waiting:
            failed, *behind = self._waiting
            self._deliveries.append((failed, outcome))
            not_empty = [half for half in halves(failed) if half]
            self._waiting = not_empty + behind

    def _create_topic(self) -> None:
        """Create the topic, and subscribe the queue that the alerts are read from."""
        self._topic = topics.ensure_topic(self.lab)
        queue = queues.queue_arn(self.lab, _ALERTS)
        self.lab.client("sns").subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=queue)

    def _letters(self) -> list[str]:
        """Return the dead letters, which may be any text."""
        sqs = self.lab.client("sqs")
        letters = list[str]()
        while len(letters) < _MOST_LETTERS:
            answer = sqs.receive_message(QueueUrl=self._dead_letters, MaxNumberOfMessages=10)
            if "Messages" not in answer:
                break
            letters += [message["Body"] for message in answer["Messages"]]
        return letters


def _credentials(lab: Lab) -> dict[str, str]:
    """Return the variables with which boto3 calls the account, with the rights of the function only."""
    iam = lab.client("iam")
    statements = policies.total_notifier(lab)["Statement"]
    policy = policies.document(*statements, policies.items_of_notifier(lab))
    iam.create_user(UserName=_USER)
    iam.put_user_policy(UserName=_USER, PolicyName=_USER, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=_USER)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": str(lab.endpoint),
        "AWS_REGION": lab.region,
    }
