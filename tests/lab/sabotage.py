"""How a report must speak of a finished lab that was broken."""

import re

from lab_lib.checks.rules import FURTHER


def assert_speaks(report, about):
    """A check whose id has this pattern must not hold, and no required check that has nothing to do with it.

    It is a pattern, and not a list: a check may be split or added.
    """
    spoken = [check for check in report.checks if not check.ok and not check.cause]
    named = [check for check in spoken if re.search(about, check.id, re.I)]
    assert named, f"unseen; what speaks: {report.failed}"
    assert [check for check in spoken if check not in named and check.step != FURTHER] == []
