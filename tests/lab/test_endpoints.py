"""The lab on an AWS emulator of one's own: over HTTPS, with keys from files, and without some of AWS's calls."""

import json

import emulator
import pytest
from commands import run

from lab_lib.aws import queues

UNSEEN = {"DescribeTimeToLive", "GetMetricData", "SimulatePrincipalPolicy"}


@pytest.mark.slow
def test_all_commands_work_over_https_with_keys_from_files_where_some_calls_are_missing(tmp_path):
    (folder := tmp_path / "emulator").mkdir()
    with emulator.started(folder, "UpdateTimeToLive", *UNSEEN) as variables:
        ran = run("run", "--until", "05", "--out", tmp_path / "out", **variables)
        files = {name: path for name, path in variables.items() if name.endswith("_FILE")}
        checked, traced, cleaned = (
            run(*command, "--profile", emulator.PROFILE, **files)
            for command in (["check", "--probe", "--json"], ["trace", "C2", "T24"], ["clean"])
        )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    notebooks = "".join(path.read_text() for path in (tmp_path / "out").glob("*.ipynb"))
    assert "GetMetricData is missing on this endpoint. The lab goes on without it." in notebooks
    assert "UpdateTimeToLive is missing on this endpoint. The lab goes on without it." in notebooks
    checks = json.loads(checked.stdout)
    unseen = [check for check in checks if check["state"] == "cannot see" and not check["cause"]]
    unseen = [check for check in unseen if not check["id"].startswith("probe-")]
    reasons = {f"cannot see: {call} is missing on this endpoint" for call in UNSEEN}
    assert {check["found"] for check in unseen} == reasons
    assert all(check["state"] in ("ok", "cannot see") for check in checks), checks
    waiting = traced.stdout.count("a message waits, with the balance 1750")
    assert waiting == len(queues.ALERT_QUEUES), traced.stdout + traced.stderr
    assert (cleaned.returncode, "Nothing of the lab is left" in cleaned.stdout) == (0, True), cleaned.stderr
