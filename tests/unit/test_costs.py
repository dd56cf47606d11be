"""The estimate of a run on AWS."""

import runpy
from dataclasses import replace
from pathlib import Path

from lab_lib.run import costs

DOCS = Path(__file__).parents[2] / "docs"


def test_the_rows_of_a_file_add_to_the_estimate():
    assert "about 8 min, and costs about 0.2 cents" in costs.before(["05"], 24, "us-east-1")
    assert "about 28 min, and costs about 540.3 cents" in costs.before(["05"], 2_000_000, "us-east-1")


def test_in_china_no_price_in_dollars_is_shown(moto_lab):
    china = replace(moto_lab, region="cn-north-1")

    yuan = "AWS's prices in China are in yuan; the lab knows only prices in dollars"
    assert costs.before(["05"], 24, china.region) == f"On AWS this takes about 8 min. {yuan}."
    assert "cents" in costs.of_functions(moto_lab, "05")
    assert costs.of_functions(china, "05") == yuan


def test_the_table_of_time_and_money_is_written_anew_by_make_docs():
    made, page = runpy.run_path(str(DOCS / "costs.py")), (DOCS / "aws.md").read_text("utf-8")

    assert made["table"]() in page
