"""A table with a stream, and the mappings of it that a test makes."""

import json
from functools import partial

from chains import create_table, printed

from lab_lib.aws import queues
from lab_lib.calls.waiting import wait_until

soon = partial(wait_until, timeout=30, longest_pause=0.1)


class Stream:
    """A table with a stream, and what its mappings make of its records."""

    def __init__(self, lab):
        self.lab, self.lambda_, self.mappings = lab, lab.client("lambda"), []
        self.arn = create_table(lab, "Items", "id", "NEW_IMAGE")["LatestStreamArn"]
        lab.client("sqs").create_queue(QueueName=queues.DEAD_LETTERS)

    def write(self, ids, **verdicts):
        for name in ids:
            item = {"id": {"S": name}, "verdict": {"S": verdicts.get(name, "done")}}
            self.lab.client("dynamodb").put_item(TableName="Items", Item=item)

    def map(self, function="Act", **settings):
        """Create a mapping that sends discarded batches to the queue, and return its UUID."""
        arn = queues.queue_arn(self.lab, queues.DEAD_LETTERS)
        mapping = self.lambda_.create_event_source_mapping(
            EventSourceArn=self.arn,
            FunctionName=function,
            DestinationConfig={"OnFailure": {"Destination": arn}},
            **{"StartingPosition": "TRIM_HORIZON", "BatchSize": 100, **settings},
        )
        self.mappings.append(mapping["UUID"])
        return mapping["UUID"]

    def batches(self, function="Act"):
        """Return the batch of each run of the function, in order."""
        runs = [json.loads(line) for line in printed(self.lab, function) if line.startswith('{"time"')]
        return [run["batch"] for run in sorted(runs, key=lambda run: run["time"])]

    def finish(self, function="Act"):
        """Write one more item, and return all batches once it is done: discarded batches hold nothing back."""
        self.write("z")
        soon(lambda: "".join(self.batches(function)).endswith("z"), "the last item")
        return self.batches(function)
