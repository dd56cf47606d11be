"""Run the `lab` command against the embedded AWS as if it were AWS in its first minutes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from lab_lib.embedded import server
from lab_lib.places import WORKSPACE
from tests.aws_delays.layer import FOLDER

ROOT = Path(__file__).parents[2]
LAB = Path(sys.executable).with_name("lab")
# As a user types them.
COMMANDS = (["run", "--keep"], ["check"], ["check", "--probe", "--yes"], ["clean", "--yes"], ["run", "--yes"])
# Enough for one delay: everything is made, read, made again while it is there, deleted, and made again.
UNTIL_04 = ["run", "--until", "04"]
ALONE = (["run", "--until", "05"], ["check"], UNTIL_04, ["clean", "--yes"], UNTIL_04)


class Run:
    """One account, in which these delays {name: seconds} happen."""

    def __init__(self, folder: Path, account: str, lengths: dict[str, float], speed: float) -> None:
        self.folder, self.account = folder, account
        folder.mkdir(parents=True)
        write_settings(folder, account=account, lengths=lengths, speed=speed)
        (folder / "config").write_text(_profile(account))
        (folder / "credentials").touch()

    def lab(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command on "AWS"."""
        where = ["--profile", "delays", "--account", self.account]
        out = ["--out", str(self.folder / "out")] if command == "run" else []
        arguments = [str(LAB), command, *where, *out, *options]
        return subprocess.run(arguments, env=self._environment(), capture_output=True, text=True, check=False)

    def usage(self) -> dict[str, dict[str, int]]:
        """Run all notebooks, and return what each has used, by the names in prices.json: {"00": {"s3 reads": 1}, …}."""
        command = [sys.executable, "-m", "tests.aws_delays.usage", self.account, str(self.folder / "out")]
        done = subprocess.run(command, env=self._environment(), stdout=subprocess.PIPE, text=True, check=True)
        used: dict[str, dict[str, int]] = json.loads(done.stdout)
        return used

    def seconds(self) -> dict[str, int]:
        """Return the seconds of each notebook of the last run, in AWS's time: {"00": 80, …}."""
        file = self.folder / "out" / "result.json"
        steps = json.loads(file.read_text())["steps"] if file.exists() else []
        return {step["notebook"][:2]: round(step["seconds"]) for step in steps}

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAB_", "PYTHON"))}
        return {
            **kept,
            WORKSPACE: os.environ[WORKSPACE],  # its embedded AWS is the one below the layer
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "PYTHONPATH": os.pathsep.join(map(str, [Path(__file__).with_name("start"), ROOT])),
            FOLDER: str(self.folder),
        }


def write_settings(folder: Path, **settings: object) -> None:
    """Write the settings of a layer: account, lengths and speed."""
    (folder / "settings.json").write_text(json.dumps(settings))


def _profile(account: str) -> str:
    running = server.start()
    lines = {
        "region": "us-east-1",
        "endpoint_url": running.endpoint,
        "aws_access_key_id": account,
        "aws_secret_access_key": running.secret,
    }
    return "\n".join(["[profile delays]", *(f"{name} = {value}" for name, value in lines.items()), ""])
