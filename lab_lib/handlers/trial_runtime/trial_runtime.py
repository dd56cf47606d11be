"""Run the learner's function for `lab try`, each time in a new process, as after a cold start.

The process is a copy of this one, which has loaded boto3 already. It can be killed after any of its
AWS calls. What it prints is dropped, and what it leaves running is killed.
"""

import contextlib
import importlib
import json
import os
import resource
import select
import signal
import traceback

import boto3
from botocore.client import BaseClient

MODULE = "my_notifier"
MEMORY = 2**29  # bytes; Lambda's limit is half of it
LONGEST_ERROR = 160  # characters
os.environ["no_proxy"] = "*"  # on macOS, a copied process must not ask the system for its proxies
for service in ("dynamodb", "sns", "sqs"):
    boto3.resource(service)  # the copies share what boto3 reads here


def lambda_handler(event, context):
    """Deliver the batches in turn, until one fails; return what became of each.

    None if the process ended, or its time. It is killed after the AWS call number `KillAfter`.
    """
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        run_and_exit(event, context, writer)
    os.close(writer)
    try:
        in_time = select.select([reader], [], [], event["Seconds"])[0]
        answer = os.read(reader, 2**20) if in_time else b""  # nothing if the process has ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(reader)
    print("delivered")  # the embedded AWS waits for the log of a function that prints nothing
    # The first answer counts: a function that forks may give two.
    return json.JSONDecoder().raw_decode(answer.decode())[0] if answer else None


def run_and_exit(event, context, writer):
    """Run the function in the copied process, which must never go back to Lambda's loop."""
    try:
        os.setpgid(0, 0)
        signal.setitimer(signal.ITIMER_REAL, event["Seconds"] + 1)  # if nobody is left to kill it
        for stream in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        with contextlib.suppress(ValueError, OSError):  # not every system has this limit
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        if event["KillAfter"]:
            kill_after(event["KillAfter"], writer)
        outcomes = []
        for batch in event["Batches"]:
            outcomes.append(outcome({"Records": batch}, context))
            if outcomes[-1]:
                break
        os.write(writer, json.dumps({"outcomes": outcomes}).encode())
    finally:
        os._exit(0)


def kill_after(number, writer):
    """Kill the process when AWS has answered this call; the function does not see the answer."""
    call, done = BaseClient._make_api_call, []

    def counted(client, operation, parameters):
        try:
            return call(client, operation, parameters)
        finally:
            done.append(operation)
            if len(done) == number:
                os.write(writer, json.dumps({"killed": operation}).encode())
                os.kill(os.getpid(), signal.SIGKILL)

    BaseClient._make_api_call = counted


def outcome(event, context):
    """Return why the batch has failed: a text, or the records that the function names. Else []."""
    try:
        answer = importlib.import_module(MODULE).lambda_handler(event, context)
        json.dumps(answer)  # Lambda fails if it cannot
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        return [each.get("itemIdentifier") for each in failures or []]
    except BaseException as error:  # noqa: BLE001  # sys.exit also fails a batch
        frames = traceback.extract_tb(error.__traceback__)
        lines = [each.lineno for each in frames if each.filename.endswith(f"{MODULE}.py")]
        where = f" (line {lines[-1]})" if lines else ""
        return ": ".join(filter(None, [type(error).__name__, str(error)]))[:LONGEST_ERROR] + where
