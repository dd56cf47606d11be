"""The delays of AWS's first minutes: their names and lengths. No other module has a length."""

from typing import NamedTuple


class Delay(NamedTuple):
    """A delay: its length in seconds, what AWS does, and where that is written."""

    seconds: float
    what: str
    source: str


DELAYS = {
    "iam": Delay(3, "IAM does not find a role that was just created", "IAM User Guide, eventual consistency"),
    "role": Delay(10, "Lambda cannot assume a new role", "Terraform's AWS provider waits for this error"),
    "grant": Delay(15, "Lambda's key has no grant for a new role", "the same"),
    "stream-access": Delay(20, "Lambda cannot read a stream with a new role", "the same"),
    "function": Delay(5, "a new function is Pending; a change of it is refused", "Lambda Developer Guide, states"),
    "function-update": Delay(3, "a changed function is InProgress; the next change is refused", "the same"),
    "table": Delay(10, "a table is CREATING, UPDATING or DELETING", "DynamoDB's API reference"),
    "mapping": Delay(
        75, "a mapping is Creating, Enabling, Disabling or Deleting", "its states: Lambda's API reference"
    ),
    "notification": Delay(
        240, "a bucket does not use its new notification yet", "S3 User Guide: usually about five minutes"
    ),
    "bucket-name": Delay(3600, "the name of a deleted bucket cannot be used", "aws-cli's issue 2593: up to an hour"),
    "queue-policy": Delay(60, "a changed queue policy does not count yet", "SQS's API reference, SetQueueAttributes"),
    "queue-counts": Delay(60, "a queue still shows its earlier counts", "SQS's API reference, GetQueueAttributes"),
    "queue-deletion": Delay(
        60, "a deleted queue is still found; its name is taken", "SQS's API reference, DeleteQueue"
    ),
    "logs": Delay(60, "log events are not found yet", "reported by other projects"),
    "metrics": Delay(180, "CloudWatch has not counted yet", "reported by other projects"),
    "e-mail": Delay(120, "a subscription is pending until its recipient confirms it", "a person needs minutes"),
    "throttling": Delay(0, "every seventh call, if not about data, is refused twice", "botocore retries these errors"),
}
# A run without an address never meets the delay of e-mail, and a run with one needs a person.
ALL = {name: delay.seconds for name, delay in DELAYS.items() if name != "e-mail"}
