"""Run the handler that the variable BENCH_HANDLER names, and print its AWS calls and the units that they cost."""

import importlib
import json
import os
from collections import Counter

from botocore.handlers import BUILTIN_HANDLERS

COUNTS = Counter()


def count(params, model, **_):
    """Count the call. Every item here is under 1 KB, so that an item is a unit."""
    COUNTS[f"{model.service_model.service_name} calls"] += 1
    if model.service_model.service_name == "dynamodb":
        COUNTS["write units"] += writes(model.name, params)
        COUNTS["read units"] += reads(model.name, params)
    elif model.service_model.service_name == "s3":
        COUNTS["s3 writes" if model.name.startswith(("Put", "List")) else "s3 reads"] += 1


def writes(operation, params):
    if operation == "BatchWriteItem":
        return sum(map(len, params["RequestItems"].values()))
    if operation == "TransactWriteItems":
        return 2 * len(params["TransactItems"])
    return int(operation in ("PutItem", "UpdateItem", "DeleteItem"))


def reads(operation, params):
    requests = params["RequestItems"].values() if operation == "BatchGetItem" else [{**params, "Keys": [1]}]
    units = sum(len(read["Keys"]) * (1 if read.get("ConsistentRead") else 0.5) for read in requests if "Keys" in read)
    return units if operation in ("BatchGetItem", "GetItem") else 0


BUILTIN_HANDLERS.append(("provide-client-params", count))
module, name = os.environ["BENCH_HANDLER"].split(".")
handler = getattr(importlib.import_module(module), name)


def lambda_handler(event, context):
    try:
        return handler(event, context)
    finally:
        print(json.dumps({"counted": COUNTS}))
        COUNTS.clear()
