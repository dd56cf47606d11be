"""What the embedded AWS does as AWS does, and ministack alone does not.

docs/embedded-aws.md lists all settings. Those of the stream's mapping are tried in test_stream_poller.py.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from chains import create_function

from lab_lib.aws import cloudwatch, functions, tables
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

ANSWER = 'def handler(event, context):\n    return "answer"\n'
COUNTER = """
calls = []


def handler(event, context):
    calls.append(event)
    return len(calls)
"""
SLEEPER = """
from time import sleep, time

sleep(0.1)
ready = time()


def handler(event, context):
    begun = time()
    sleep(event["seconds"])
    print(ready, begun, time())
"""
CUSTOMER = {"CustomerId": {"S": "C1"}}


def test_a_change_in_another_account_does_not_end_the_process_of_a_function(lab, new_account):
    create_function(lab, "Probe", COUNTER)
    functions.invoke(lab, "Probe", {})
    other = open_lab(account=new_account())
    create_function(other, "Probe", COUNTER)

    other.client("lambda").update_function_configuration(FunctionName="Probe", MemorySize=256)

    assert functions.invoke(lab, "Probe", {}) == 2


def test_a_sum_of_38_digits_is_exact_and_one_of_more_is_refused(lab):
    tables.ensure_table(lab, "Customer")
    dynamodb, table = lab.client("dynamodb"), {"TableName": "Customer"}

    def sum_of(first, second):
        dynamodb.put_item(**table, Item={**CUSTOMER, "a": {"N": first}})
        values = {"UpdateExpression": "ADD a :b", "ExpressionAttributeValues": {":b": {"N": second}}}
        dynamodb.transact_write_items(TransactItems=[{"Update": {**table, "Key": CUSTOMER, **values}}])
        return dynamodb.get_item(**table, Key=CUSTOMER)["Item"]["a"]["N"]

    assert sum_of("9" * 38, "1") == "1" + "0" * 38
    assert sum_of("1499.99", "0.01") == "1500"
    with pytest.raises(ClientError) as refused:
        sum_of("1" + "0" * 37, "0.01")
    assert "Number overflow" in str(refused.value.response)
    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "a": 10**37}]


def test_a_log_tells_when_a_process_and_a_call_began_and_how_long_each_took(lab):
    create_function(lab, "Probe", SLEEPER)

    def call(seconds):
        return functions.invoke(lab, "Probe", {"seconds": seconds})

    with ThreadPoolExecutor() as pool:
        list(pool.map(call, [0.3, 0.6]))  # at the same time
    call(0)

    runs = {}
    for event in lab.client("logs").filter_log_events(logGroupName=cloudwatch.log_group(lab, "Probe"))["events"]:
        runs.setdefault(event["logStreamName"], []).append((event["message"], event["timestamp"]))
    assert sorted(map(len, runs.values())) == [4, 5, 5]
    for *init, (_, started), (times, _), (_, ended), _ in runs.values():
        ready, begun, done = (1000 * float(seconds) for seconds in times.split())
        assert int(ready) <= started <= begun < done < ended + 1 < done + 1500
        assert all(line == "INIT_START" and at <= ready - 100 for line, at in init)
