"""Finished labs to be broken, one a case, and how a report must speak of what was broken.

A case names the checks that may speak by a pattern of their ids, and not one by one: a check may be split or added.
"""

import re

import pytest

from lab_lib import checks
from lab_lib.checks.rules import FURTHER


class Cases(list):
    """The cases of a file: functions that break the finished lab that they get."""

    def __call__(self, about, says="", steps=(), probe=False, fix=None):
        """Enter a function as a case. A check whose id matches `about` must not hold, and must say `says`.

        Both are patterns without regard to case. All checks are made, or those of these steps, and the probe if asked.
        A lab that `fix` makes whole again is broken again by the next case; without it, the next case gets a new lab.
        """

        def register(sabotage):
            graded = {"probe": True} if probe else {}
            self.append(pytest.param(sabotage, about, says, steps, graded, fix, id=sabotage.__name__))
            return sabotage

        return register

    def each(self, about, says="", steps=(), probe=False, fix=None, **variants):
        """Enter a function once for each variant, which it gets as its second argument."""

        def register(sabotage):
            for name, variant in variants.items():

                def one(lab, variant=variant):
                    return sabotage(lab, variant)

                one.__name__ = f"{sabotage.__name__}-{name}"
                self(about, says, steps, probe, fix)(one)
            return sabotage

        return register

    @property
    def tried(self):
        """Return the decorator that hands each case to a test."""
        return pytest.mark.parametrize(("sabotage", "about", "says", "steps", "probe", "fix"), self)


def assert_caught(lab, sabotage, about, says, steps=(), probe=None):
    """Break the lab. One check must say so, and no required check that has nothing to do with it."""
    sabotage(lab)
    assert_speaks(checks.run(lab, *steps, **(probe or {})), about, says)


def assert_speaks(report, about, says=""):
    spoken = [check for check in report.checks if not check.ok and not check.cause]
    named = [check for check in spoken if re.search(about, check.id, re.I)]
    assert named, f"unseen; what speaks: {report.failed}"
    assert [check for check in named if re.search(says, check.words, re.I)], named
    assert [check for check in spoken if check not in named and check.step != FURTHER] == []
