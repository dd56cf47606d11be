"""Create, invoke and delete the Lambda functions, with their settings and the destination of failed events."""

import base64
import hashlib
import io
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from lab_lib import resources, transactions
from lab_lib.aws import archives, cloudwatch, grants
from lab_lib.aws.json_text import amount, json_object
from lab_lib.aws.policies import Policy
from lab_lib.aws.queues import DEAD_LETTERS, find_queue, queue_arn
from lab_lib.aws.roles import find_role
from lab_lib.aws.topics import find_topic, topic_arn
from lab_lib.calls import sessions
from lab_lib.calls.waiting import WAITS
from lab_lib.errors import LabError, StepMissing, none_if_absent
from lab_lib.handlers.transaction_processor.transactions_file import MOST_ROWS
from lab_lib.lab import TAGS, Lab, has_lab_tag, only_ours
from lab_lib.language import _

Settings = dict[str, Any]  # of a function or a mapping, as Lambda gives them
RUNTIME = "python3.13"
# Rows of a file that TransactionProcessor writes in a second, at least: a careful guess for AWS, with 256 MB and 1,000
# writes a second a partition. docs/performance.md has three times as many for the embedded AWS.
TIMEOUT = 20  # seconds, of a function; as in the handout
LONGEST_TIMEOUT = 900  # seconds; Lambda's maximum
ROWS_PER_SECOND = MOST_ROWS // LONGEST_TIMEOUT
_HANDLERS = Path(__file__).parents[1] / "handlers"
SOURCES = {  # the folder of each function; the file of the same name has the handler
    "TransactionProcessor": _HANDLERS / "transaction_processor",
    "TotalNotifier": _HANDLERS / "total_notifier",
}
ROLES = {name: f"{name}Role" for name in SOURCES}
_UNREADABLE = (BotoCoreError, HTTPError, OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class FunctionFailed(LabError):
    """A function failed when it was invoked. `why` is its error."""

    def __init__(self, function: str, why: str) -> None:
        super().__init__(_("{function} failed: {why}. Its log tells more.", function=function, why=why))
        self.why = why


def settings(lab: Lab, name: str, files: list[Path] | None = None) -> Settings:
    """Return the function's configuration, as arguments of Lambda's API.

    The timeout of TransactionProcessor is what `lab.data_file` needs.
    """
    *_others, file_of_handler = files or source_files(name)
    description = f"Update total, send notification for balance exceeding ${lab.threshold:f}"
    timeout = TIMEOUT
    if name == "TransactionProcessor":
        description = "Process data and send to DynamoDB tables"
        timeout = timeout_for(transactions.preview(lab.data_file).rows)
    return {
        "FunctionName": lab.name(name),
        "Description": description,
        "Role": find_role(lab.variant(""), ROLES[name]),
        "Runtime": RUNTIME,
        "Handler": f"{file_of_handler.stem}.lambda_handler",
        "Timeout": timeout,
        "MemorySize": 256,  # megabytes
        "Environment": {"Variables": variables(lab, name)},
    }


def variables(lab: Lab, name: str) -> dict[str, str]:
    """Return the function's environment variables: its tables, topic, threshold and dead-letter queue."""
    if name == "TransactionProcessor":
        return {
            "MARKER_TABLE": lab.name("ProcessedRecords"),
            "CUSTOMER_TABLE": lab.name("Customer"),
            "TRANSACTIONS_TABLE": lab.name("Transactions"),
        }
    return {
        "MARKER_TABLE": lab.name("ProcessedRecords"),
        "TOTAL_TABLE": lab.name("TransactionTotal"),
        "TOPIC_ARN": topic_arn(lab),  # known before the topic is created
        "THRESHOLD": f"{lab.threshold:f}",
        "DEAD_LETTER_QUEUE": find_queue(lab, DEAD_LETTERS) or "",
    }


def ensure_function(lab: Lab, name: str, files: list[Path] | None = None) -> str:
    """Create the function from its files in lab_lib/handlers, or update it. Return its ARN when it can be invoked.

    `files` are used instead of the function's own; the last one has the handler.
    """
    lambda_ = lab.client("lambda")
    wanted = settings(lab, name, files)
    archive = package(files or source_files(name))
    resources.require(wanted["Role"], "role", ROLES[name])
    resources.require(find_queue(lab, DEAD_LETTERS), "queue", DEAD_LETTERS)
    cloudwatch.ensure_log_group(lab, name)
    existing = configuration(lab, name)
    if existing is None:
        lambda_.create_function(**wanted, Code={"ZipFile": archive}, Tags=TAGS)
    else:
        has_other_settings = any(existing.get(key) != value for key, value in wanted.items())
        if has_other_settings:
            lambda_.update_function_configuration(**wanted)
        if existing["CodeSha256"] != digest(archive):  # the call is repeated until the other change has ended
            lambda_.update_function_code(FunctionName=lab.name(name), ZipFile=archive)
    _wait_until_ready(lab, name)
    if name == "TransactionProcessor":  # the events of TotalNotifier have the destination of their mapping
        lambda_.put_function_event_invoke_config(
            FunctionName=lab.name(name),
            MaximumRetryAttempts=2,
            DestinationConfig={"OnFailure": {"Destination": queue_arn(lab, DEAD_LETTERS)}},
        )
    return lab.arn("lambda", f"function:{lab.name(name)}")


def timeout_of(lab: Lab, name: str) -> int:
    """Return the function's timeout in seconds; 0 if there is no function."""
    settings = configuration(lab, name)
    return int(settings["Timeout"]) if settings else 0


def timeout_for(rows: int) -> int:
    """Return the timeout of TransactionProcessor, in seconds, that a file of so many rows needs."""
    return max(math.ceil(rows / ROWS_PER_SECOND), TIMEOUT)


def require_timeout(lab: Lab, rows: int) -> None:
    """Raise StepMissing if the timeout of TransactionProcessor is too short for so many rows."""
    timeout = timeout_of(lab, "TransactionProcessor")
    needed = timeout_for(rows)
    if timeout < needed:
        raise StepMissing(
            "{function} has {now} s, and {rows:,} rows need {needed} s. Run notebook 01 with the same data_file.",
            function=lab.name("TransactionProcessor"),
            now=timeout,
            rows=rows,
            needed=needed,
        )


def require_threshold(lab: Lab) -> None:
    """Raise StepMissing if TotalNotifier has another threshold than the lab. Code of somebody else may have its own."""
    settings = configuration(lab, "TotalNotifier") or {}
    threshold = amount(environment(settings).get("THRESHOLD"))
    if threshold is not None and threshold != lab.threshold:
        raise StepMissing(
            "{function} alerts at {other:f}, and this lab's threshold is {lab.threshold:f}. Run notebook 01 "
            "with this threshold, then this cell again.",
            function=lab.name("TotalNotifier"),
            other=threshold,
            lab=lab,
        )


def alert_again(lab: Lab) -> list[str]:
    """Let TotalNotifier send every alert once more, for a queue that did not get it. Return the customers it alerted.

    Each is first forgotten, at a threshold that nobody reaches. A call compares as many totals as it has time for, one
    at least. Without the topic nobody can be alerted, and nothing changes.
    """
    if not find_topic(lab):
        return []
    ensure_function(lab, "TotalNotifier")
    alerted = []
    for threshold in ({"threshold": "Infinity"}, {}):  # then its own
        event = {"recheck": True, **threshold}
        is_done = False
        while not is_done:
            answer = invoke(lab, "TotalNotifier", event)
            alerted.extend(answer["alerted"])
            is_done = not answer["left"]
    return alerted


def source_files(name: str) -> list[Path]:
    """Return the files of the function: the pure part, and the part that calls AWS. The last one has the handler."""
    folder = SOURCES[name]
    return sorted(folder.glob("[!_]*.py"), key=lambda path: path.stem == folder.name)  # False comes before True


def configuration(lab: Lab, name: str) -> Settings | None:
    """Return the function's settings, as Lambda gives them, or None."""
    return none_if_absent(lambda: lab.client("lambda").get_function_configuration(FunctionName=lab.name(name)))


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables in the settings of a function."""
    return dict(settings.get("Environment", {}).get("Variables", {}))


def is_ready(settings: Settings) -> bool:
    """Return whether the function with these settings can be called."""
    return settings.get("State") in ("Active", "Inactive") and settings.get("LastUpdateStatus") == "Successful"


def failure(settings: Settings) -> str:
    """Return why Lambda could not set up the function with these settings, "" if it could."""
    if "Failed" not in (settings.get("State"), settings.get("LastUpdateStatus")):
        return ""
    return str(settings.get("StateReason") or settings.get("LastUpdateStatusReason"))


def log_group(lab: Lab, name: str) -> str:
    """Return the log group that the function writes to."""
    described = describe(lab, name) or {}
    return cloudwatch.log_group(lab, name, described.get("Configuration"))


def describe(lab: Lab, name: str) -> dict[str, Any] | None:
    """Return all that Lambda tells of the function: Configuration, Code (its address), Concurrency …, or None."""
    return none_if_absent(lambda: lab.client("lambda").get_function(FunctionName=lab.name(name)))


def names(lab: Lab) -> list[str]:
    """Return the names of all functions in the Region."""
    return list(lab.client("lambda").get_paginator("list_functions").paginate().search("Functions[].FunctionName"))


def code(lab: Lab, name: str) -> dict[str, str]:
    """Return the Python files of the function, as they are in the account: {"lambda_function.py": text}.

    LabError if they cannot be read.
    """
    described = describe(lab, name) or {}
    address = str(described.get("Code", {}).get("Location"))
    endpoint = lab.endpoint
    called = lab.client("lambda").meta.endpoint_url
    if not endpoint and called.startswith("http:"):  # a profile may name an emulator too
        endpoint = called
    try:
        return archives.python_files(sessions.fetch(lab.session, address, endpoint))
    except _UNREADABLE as error:
        why = str(error) or type(error).__name__
        raise LabError("the code of {function} cannot be read ({why})", function=lab.name(name), why=why) from None


def statements(lab: Lab, name: str) -> list[Policy]:
    """Return the statements of the function's own policy, which says who may invoke it.

    An alias or version, named as in "TransactionProcessor:live", has a policy of its own.
    """
    lambda_ = lab.client("lambda")
    policy = none_if_absent(lambda: lambda_.get_policy(FunctionName=lab.name(name))["Policy"])
    return grants.statements(policy)


def event_settings(lab: Lab, name: str) -> Settings:
    """Return how Lambda treats the events of the function: destinations, tries, age. An alias has its own."""
    lambda_ = lab.client("lambda")
    return none_if_absent(lambda: lambda_.get_function_event_invoke_config(FunctionName=lab.name(name))) or {}


def find_function(lab: Lab, name: str) -> str | None:
    """Return the function's ARN, or None."""
    return (configuration(lab, name) or {}).get("FunctionArn")


def is_ours(lab: Lab, name: str) -> bool:
    """Return True if the function exists and has the lab's tag."""
    arn = find_function(lab, name)
    return arn is not None and has_lab_tag(lab.client("lambda").list_tags(Resource=arn)["Tags"])


@only_ours(is_ours)
def delete_function(lab: Lab, name: str) -> None:
    """Delete the function, if the lab created it."""
    lab.client("lambda").delete_function(FunctionName=lab.name(name))


def invoke_later(lab: Lab, name: str, event: dict[str, Any]) -> None:
    """Hand the event to Lambda, as S3 does. Lambda retries an event that fails twice, then gives it up."""
    lab.client("lambda").invoke(FunctionName=lab.name(name), Payload=json.dumps(event), InvocationType="Event")


def invoke(lab: Lab, name: str, event: dict[str, Any]) -> Any:
    """Invoke the function with an event, as the console's Test button does. Return its answer.

    FunctionFailed if it fails.
    """
    lambda_ = lab.client("lambda", timeout_of(lab, name))
    answer = lambda_.invoke(FunctionName=lab.name(name), Payload=json.dumps(event))
    payload = answer["Payload"].read()
    if "FunctionError" in answer:
        raise FunctionFailed(lab.name(name), str(json_object(payload).get("errorMessage")))
    return json.loads(payload)


def package(files: list[Path]) -> bytes:
    """Return a zip archive of the files for Lambda."""
    return zipped({file.name: file.read_bytes() for file in files})


def digest(archive: bytes) -> str:
    """Return the digest of an archive, as Lambda gives it as CodeSha256."""
    return base64.b64encode(hashlib.sha256(archive).digest()).decode()


def zipped(contents: dict[str, bytes]) -> bytes:
    """Return a zip archive of files with these names. Its dates are fixed: the same code gives the same archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16  # readable for the user that Lambda runs it as
            file.writestr(entry, content)
    return archive.getvalue()


def _wait_until_ready(lab: Lab, name: str) -> None:
    """Wait until the function can be invoked. boto3's waiter polls only once a second."""

    def ready() -> bool:
        settings = configuration(lab, name) or {}
        reason = failure(settings)
        if reason:
            raise LabError(
                "Lambda could not set up {function}: {reason} Run this step again.",
                function=lab.name(name),
                reason=reason,
            )
        return is_ready(settings)

    what = _("function {name} to be ready", name=lab.name(name))
    lab.wait_until(ready, what, **WAITS["change"].times)
