"""The two Lambda functions: their code, settings, logs and what becomes of an event that they cannot process."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from botocore.exceptions import ClientError

from lab_lib.aws.cloudwatch import ensure_log_group
from lab_lib.aws.queues import DEAD_LETTERS, find_queue, queue_arn
from lab_lib.aws.roles import find_role
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.errors import LabError, StepMissing, error_code
from lab_lib.lab import TAGS, Lab, has_tag
from lab_lib.waiting import retry_while, wait_until

RUNTIME = "python3.13"
TIMEOUT = 20  # seconds
# A new role, and what it may do, take some seconds to be known everywhere; until then Lambda refuses it like this.
ROLE_NOT_READY = {"InvalidParameterValueException": "cannot be assumed|does not have permission|[Cc]annot access"}
SOURCES = {
    "TransactionProcessor": Path(__file__).parents[1] / "handlers" / "transaction_processor.py",
    "TotalNotifier": Path(__file__).parents[1] / "handlers" / "total_notifier.py",
}
ROLES = {name: f"{name}Role" for name in SOURCES}


def settings(lab: Lab, name: str) -> dict[str, Any]:
    """The function's configuration, as Lambda's API wants it."""
    descriptions = {
        "TransactionProcessor": "Process data and send to DynamoDB tables",
        "TotalNotifier": f"Update total, send notification for balance exceeding ${lab.threshold:f}",
    }
    return {
        "FunctionName": lab.name(name),
        "Description": descriptions[name],
        "Role": find_role(lab, ROLES[name]),
        "Runtime": RUNTIME,
        "Handler": f"{SOURCES[name].stem}.lambda_handler",
        "Timeout": TIMEOUT,
        "MemorySize": 256,
        "Environment": {"Variables": variables(lab, name)},
    }


def variables(lab: Lab, name: str) -> dict[str, str]:
    """The environment variables that tell the function of this workbook its tables, topic and threshold."""
    if name == "TransactionProcessor":
        return {"CUSTOMER_TABLE": lab.name("Customer"), "TRANSACTIONS_TABLE": lab.name("Transactions")}
    return {
        "TOTAL_TABLE": lab.name("TransactionTotal"),
        "MARKER_TABLE": lab.name("ProcessedRecords"),
        "TOPIC_ARN": lab.arn("sns", lab.name(ALERT_TOPIC)),  # known before the topic is made
        "THRESHOLD": f"{lab.threshold:f}",
        "DEAD_LETTER_QUEUE": find_queue(lab, DEAD_LETTERS) or "",
    }


def ensure_function(lab: Lab, name: str) -> str:
    """Make the function from its file in lab_lib/handlers, or bring it up to date; its ARN, when it can be called."""
    lambda_, wanted, code = lab.client("lambda"), settings(lab, name), package(SOURCES[name])
    if wanted["Role"] is None:
        raise StepMissing(f"Role {lab.name(ROLES[name])} is not there. Run 00-start-here first.")
    if find_queue(lab, DEAD_LETTERS) is None:
        raise StepMissing(f"Queue {lab.name(DEAD_LETTERS)} is not there. Run 00-start-here first.")
    ensure_log_group(lab, name)
    now = configuration(lab, name)
    if now is None:
        retry_while(
            ROLE_NOT_READY,
            lambda: lambda_.create_function(**wanted, Code={"ZipFile": code}, Tags=TAGS),
            f"role {lab.name(ROLES[name])} to be ready",
        )
    else:
        _wait(lab, name)
        if any(now.get(key) != value for key, value in wanted.items()):
            lambda_.update_function_configuration(**wanted)
            _wait(lab, name)
        if now["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
            lambda_.update_function_code(FunctionName=lab.name(name), ZipFile=code)
    _wait(lab, name)
    _ensure_dead_letters(lab, name)
    return lab.arn("lambda", f"function:{lab.name(name)}")


def configuration(lab: Lab, name: str) -> dict[str, Any] | None:
    """The function's settings, as Lambda gives them."""
    try:
        answer: dict[str, Any] = lab.client("lambda").get_function_configuration(FunctionName=lab.name(name))
        return answer
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise


def describe(lab: Lab, name: str) -> dict[str, Any] | None:
    """All that Lambda tells of the function: Configuration, Code (where it can be fetched), Concurrency …"""
    try:
        answer: dict[str, Any] = lab.client("lambda").get_function(FunctionName=lab.name(name))
        return answer
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise


def names(lab: Lab) -> list[str]:
    """The names of all functions in the Region."""
    pages = lab.client("lambda").get_paginator("list_functions").paginate()
    return [function["FunctionName"] for page in pages for function in page["Functions"]]


def code(lab: Lab, name: str) -> dict[str, str]:
    """The Python files of the function, as they are in the account: {"lambda_function.py": text}.

    LabError if they cannot be fetched from where Lambda keeps them.
    """
    described = describe(lab, name) or {}
    if described.get("Configuration", {}).get("PackageType") != "Zip":
        return {}
    # A proxy cannot reach an emulator on this machine.
    opener = build_opener() if lab.is_real else build_opener(ProxyHandler({}))
    try:
        with opener.open(described["Code"]["Location"], timeout=30) as answer:
            archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    except OSError as error:
        raise LabError(f"the code of {lab.name(name)} cannot be fetched ({error})") from None
    files = [file for file in archive.namelist() if file.endswith(".py")]
    return {file: archive.read(file).decode("utf-8-sig", errors="replace") for file in files}


def statements(lab: Lab, name: str) -> list[dict[str, Any]]:
    """The statements of the function's own policy: who may call it."""
    lambda_ = lab.client("lambda")
    try:
        return list(json.loads(lambda_.get_policy(FunctionName=lab.name(name))["Policy"])["Statement"])
    except lambda_.exceptions.ResourceNotFoundException:
        return []


def on_failure(lab: Lab, name: str) -> str | None:
    """The ARN that an event goes to which the function could not process, if there is one."""
    lambda_ = lab.client("lambda")
    try:
        settings = lambda_.get_function_event_invoke_config(FunctionName=lab.name(name))
    except lambda_.exceptions.ResourceNotFoundException:
        return None
    destination: str | None = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return destination


def find_function(lab: Lab, name: str) -> str | None:
    """The function's ARN."""
    now = configuration(lab, name)
    return str(now["FunctionArn"]) if now else None


def is_ours(lab: Lab, name: str) -> bool:
    """True if the function is there and the lab made it."""
    arn = find_function(lab, name)
    return arn is not None and has_tag(lab.client("lambda").list_tags(Resource=arn)["Tags"])


def delete_function(lab: Lab, name: str) -> None:
    """Delete the function, if the lab made it."""
    if is_ours(lab, name):
        lab.client("lambda").delete_function(FunctionName=lab.name(name))


def invoke(lab: Lab, name: str, event: dict[str, Any]) -> Any:
    """Call the function with an event, as the console's Test button does; its answer. LabError if it failed."""
    answer = lab.client("lambda").invoke(FunctionName=lab.name(name), Payload=json.dumps(event))
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise LabError(f"{lab.name(name)} failed: {payload.get('errorMessage')}. Its log tells more.")
    return payload


def package(source: Path) -> bytes:
    """The zip archive that Lambda wants: the one file, with a fixed date, so that the same code is the same archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        entry = zipfile.ZipInfo(source.name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16  # readable for the user that Lambda runs it as
        zipped.writestr(entry, source.read_bytes())
    return archive.getvalue()


def _ensure_dead_letters(lab: Lab, name: str) -> None:
    """Two retries, then the event goes to the dead-letter queue. A stream's mapping has a destination of its own."""
    if name != "TransactionProcessor":
        return
    settings = {
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnFailure": {"Destination": queue_arn(lab, DEAD_LETTERS)}},
    }
    retry_while(
        ROLE_NOT_READY,
        lambda: lab.client("lambda").put_function_event_invoke_config(FunctionName=lab.name(name), **settings),
        f"role {lab.name(ROLES[name])} to be ready",
    )


def _wait(lab: Lab, name: str) -> None:
    """Wait until the function can be called. boto3's waiter would look once a second, and lose most of it."""

    def ready() -> bool:
        now = configuration(lab, name) or {}
        if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
            reason = now.get("StateReason") or now.get("LastUpdateStatusReason")
            raise LabError(f"Lambda could not set up {lab.name(name)}: {reason} Run this step again.")
        return now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"

    wait_until(ready, f"function {lab.name(name)} to be ready", timeout=120, longest_pause=0.25)
