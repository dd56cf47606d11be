"""The delays of buckets and tables."""

from typing import Any

from tests.aws_delays.layer import Call, Refusal, answer, change, refuse

_ABORTED = "A conflicting conditional operation is currently in progress against this resource. Please try again."
_TO_FUNCTIONS = ("LambdaFunctionConfigurations", "QueueConfigurations", "TopicConfigurations")
_CHANGING = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}
_OF_TABLES = ("CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive")
_OF_ITEMS = ("Scan", "Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "DescribeTimeToLive")


@change("", "DeleteBucket")
def _deleted_bucket(call: Call, parsed: dict[str, Any]) -> None:
    call.note("deleted bucket", call.params["Bucket"])
    call.forget("notification", call.params["Bucket"])


refuse("bucket-name", "deleted bucket", ["CreateBucket"], {"Bucket"}, Refusal(409, "OperationAborted", _ABORTED))


@answer("notification", "PutBucketNotificationConfiguration")
def _notify_later(call: Call) -> str:
    """Keep the notification; the embedded AWS gets it later, and misses the events until then."""
    bucket, wanted = call.params["Bucket"], call.params["NotificationConfiguration"]
    if call.value("notification", bucket) != wanted:
        call.note("notification", bucket, wanted)
        params = {"Bucket": bucket, "NotificationConfiguration": wanted}
        call.later("notification", "notification", bucket, "s3", call.operation, **params)
    return ""


@change("notification", "GetBucketNotificationConfiguration")
def _kept_notification(call: Call, parsed: dict[str, Any]) -> None:
    """Show what was stored, also in the moment in which the embedded AWS gets it."""
    if call.value("notification", call.params["Bucket"]):
        for name in _TO_FUNCTIONS:
            parsed.pop(name, None)
        parsed.update(call.value("notification", call.params["Bucket"]))


@change("table", "CreateTable", "UpdateTable", "DeleteTable")
def _changed_table(call: Call, parsed: dict[str, Any]) -> None:
    about, state = parsed["TableDescription"], f"{call.operation.removesuffix('Table')[:-1].upper()}ING"
    about["TableStatus"] = state
    kept = {name: value for name, value in about.items() if name != "CreationDateTime"}
    call.note("table", call.params["TableName"], {"state": state, "about": kept})


@change("table", "DescribeTable")
def _table_state(call: Call, parsed: dict[str, Any]) -> None:
    name = call.params["TableName"]
    if call.is_late("table", "table", name):
        parsed["Table"]["TableStatus"] = call.value("table", name)["state"]


@answer("table", "DescribeTable")
def _deleting_table(call: Call) -> dict[str, Any] | None:
    name = call.params["TableName"]
    value, late = call.value("table", name), call.is_late("table", "table", name)
    return {"Table": value["about"]} if late and value["state"] == "DELETING" else None


@answer("table", *_OF_TABLES)
def _table_in_use(call: Call) -> Refusal | None:
    name = call.params["TableName"]
    if not call.is_late("table", "table", name):
        return None
    message = f"Table is being {_CHANGING[call.value('table', name)['state']]}: {name}"
    return Refusal(400, "ResourceInUseException", f"Attempt to change a resource which is still in use: {message}")


@answer("table", *_OF_ITEMS)
def _no_table_yet(call: Call) -> Refusal | None:
    name = call.params["TableName"]
    gone = call.is_late("table", "table", name) and call.value("table", name)["state"] != "UPDATING"
    return Refusal(400, "ResourceNotFoundException", "Requested resource not found") if gone else None
