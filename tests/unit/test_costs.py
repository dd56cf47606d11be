"""The estimate of a run on AWS."""

from dataclasses import replace

from lab_lib.run import costs


def test_the_rows_of_a_file_add_to_the_estimate():
    assert "about 8 min, and costs about 0.2 cents" in costs.before(["05"], 24, "us-east-1")
    assert "about 28 min, and costs about 540.3 cents" in costs.before(["05"], 2_000_000, "us-east-1")


def test_in_china_no_price_in_dollars_is_shown(moto_lab):
    china = replace(moto_lab, region="cn-north-1")

    yuan = "AWS's prices in China are in yuan; the lab knows only prices in dollars"
    assert costs.before(["05"], 24, china.region) == f"On AWS this takes about 8 min. {yuan}."
    assert "cents" in costs.of_functions(moto_lab, "05")
    assert costs.of_functions(china, "05") == yuan
