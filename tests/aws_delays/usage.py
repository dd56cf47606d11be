"""Count what each notebook uses on AWS in a run under the delays, polls included. `Run.usage` starts this module."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

from lab_lib.aws.cloudwatch import METRICS
from lab_lib.run import costs, headless

# Maps a pattern of a request's name to what the request uses: the name in prices.json, and how many. This assumes items
# below 1 KB.
_PAID = {
    r"s3\.(Put|List|Create|Upload|Complete)\w+": ("s3 writes", 1),
    r"s3\.(Get|Head)\w+": ("s3 reads", 1),
    r"dynamodb\.(Scan|Query|GetItem)": ("read units", 1),
    r"dynamodb\.(Put|Update|Delete)Item": ("write units", 1),
    r"dynamodb-?streams\.GetRecords": ("stream reads", 1),
    r"cloudwatch\.GetMetricData": ("metrics", len(METRICS)),
    r"sns\.\w+": ("sns calls", 1),
    r"sqs\.\w+": ("sqs messages", 1),
}


def used(requests: Counter[str]) -> Counter[str]:
    """Return how much of each thing that costs these requests have used."""
    amounts: Counter[str] = Counter()
    for name, times in requests.items():
        for pattern, (item, number) in _PAID.items():
            if re.fullmatch(pattern, name):
                amounts[item] += times * number
    return amounts


def main() -> None:
    account, folder = sys.argv[1:]
    usage, before = {}, Counter[str]()
    with costs.counted() as requests:

        def finished(step: headless.Step) -> None:
            nonlocal before
            now = requests()
            usage[step.notebook[:2]], before = used(now - before), now

        headless.run({"account": account, "profile": "delays", "yes": True}, Path(folder), finished=finished)
    print(json.dumps(usage))


if __name__ == "__main__":
    main()
