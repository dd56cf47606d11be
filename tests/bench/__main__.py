"""Measure the lab beside other ways to do the same, and write docs/performance.md. Run by `make bench`."""

import argparse
import sys

from tests.bench import checking, classes, costs, page, totals
from tests.own_aws import own_aws

LINES = {
    "totals": ("Rows a second until the totals are exact", totals),
    "costs": ("What a million rows cost", costs),
    "check": ("One `lab check`", checking),
    "class": ("A class", classes),
}


def main():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"any of {', '.join(LINES)}; all if none is named")
    lines = [LINES[name] for name in parser.parse_args().lines or LINES]
    with own_aws("bench"):
        try:
            for title, line in lines:
                print(title, file=sys.stderr)
                text = line.measure()
                print(f"\n{text}\n")
                page.write({title: text}, [title for title, _ in LINES.values()])
        except KeyboardInterrupt:
            sys.exit("Stopped. docs/performance.md has the lines that were finished.")


if __name__ == "__main__":
    main()
