"""Count what each notebook uses on AWS in a run under the delays, polls included. `Run.usage` starts this module."""

import json
import sys
from collections import Counter
from pathlib import Path

from lab_lib.run import costs, headless


def main() -> None:
    account, folder = sys.argv[1:]
    usage, before = {}, Counter[str]()
    with costs.counted() as requests:

        def finished(step: headless.Step) -> None:
            nonlocal before
            now = requests()
            usage[step.notebook[:2]], before = costs.used(now - before), now

        headless.run({"account": account, "profile": "delays", "yes": True}, Path(folder), finished=finished)
    print(json.dumps(usage))


if __name__ == "__main__":
    main()
