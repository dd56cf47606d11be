"""Say what AWS would refuse in a request, by botocore's models of the services and by AWS's documented limits.

botocore itself checks types, required parameters and minimums when it sends a request. It leaves the rest to AWS, and
the embedded AWS and moto accept much of it.
"""

import re

TAG_TEXT = r"[\w\s.:/=+\-@]*"
# Java's names for characters, which Python's patterns do not have.
JAVA = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{P}": r"!-/:-@\[-`{-~", r"\p{M}": "", r"\p{S}": "+=|~"}


def text(low, high, pattern="(?s:.*)"):
    return lambda value: low <= len(value.encode()) <= high and re.fullmatch(pattern, value)


def number(low, high):
    return lambda value: low <= int(value) <= high


def items(high, low=0):
    return lambda value: low <= len(value) <= high


def tags(value):
    pairs = value if isinstance(value, dict) else {tag["Key"]: tag["Value"] for tag in value}
    right = [text(1, 128, TAG_TEXT)(key) and text(0, 256, TAG_TEXT)(value) for key, value in pairs.items()]
    return len(pairs) <= 50 and all(right) and not any(key.lower().startswith("aws:") for key in pairs)


def batch(high):
    """Allow at most so many keys or items of all tables together in RequestItems."""
    return lambda tables: (
        1 <= sum(len(table["Keys"] if isinstance(table, dict) else table) for table in tables.values()) <= high
    )


NAME = r"[A-Za-z0-9_-]+"
EVERYWHERE = {"Tags": tags, "tags": tags, "TagSet": tags, "UntagLogGroup:tags": items(50)}
# What the models do not say, where it depends on the learner's names, files and rows. Of each service: a parameter, or
# its last names where others have the same one, or its operation before it; and what AWS allows there.
LIMITS = {
    "s3": {  # User Guide: bucket naming rules, object keys
        "Bucket": text(3, 63, r"[a-z0-9][a-z0-9.-]*[a-z0-9]"),
        "Key": text(1, 1024),
        "Filter.Key": items(2),  # not the name of an object
        "Delete.Objects": items(1_000, 1),
    },
    "dynamodb": {  # Developer Guide: service quotas, naming rules
        "TableName": text(3, 255, r"[A-Za-z0-9_.-]+"),
        "BatchWriteItem:RequestItems": batch(25),
        "BatchGetItem:RequestItems": batch(100),
    },
    "lambda": {  # Developer Guide: quotas; API reference: CreateFunction
        "CreateFunction:FunctionName": text(1, 64, NAME),
        "Timeout": number(1, 900),
    },
    "sns": {"Name": text(1, 256, NAME), "Subject": text(1, 100, r"[!-~][ -~]*")},  # API reference: CreateTopic, Publish
    "sqs": {  # API reference: CreateQueue, SendMessage, ReceiveMessage
        "QueueName": text(1, 80, NAME),
        "MaxNumberOfMessages": number(1, 10),
        "Entries": items(10, 1),
        "MessageBody": text(1, 262_144, r"[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+"),
    },
    "cloudwatch": {"MetricDataQueries": items(500, 1), "MetricDataQueries.Id": text(1, 255, r"[a-z]\w*")},
}


def problems(model, params):
    """Return what AWS would refuse in these parameters of botocore's operation model."""
    refused, service = [], model.service_model.service_name
    for path, shape, value in _values(model.input_shape, params):
        refused += [f"{path} is {str(value)[:60]!r}: {why}" for why in _against(shape, value)]
        rule = _rule(service, model.name, path)
        if rule and not rule(value):
            refused.append(f"{path} is {str(value)[:60]!r}: not within AWS's limit")
    return [f"{service}.{model.name}: {problem}" for problem in refused]


def _rule(service, operation, path):
    """Return the rule with the longest name that fits."""
    rules, names = LIMITS.get(service, {}) | EVERYWHERE, path.split(".")
    ends = [".".join(names[first:]) for first in range(len(names))]
    return next((rules[name] for end in ends for name in (f"{operation}:{end}", end) if name in rules), None)


def _values(shape, value, path=""):
    """Yield (names from the top, shape, value) of each parameter, and of all parts of it."""
    if path:
        yield path, shape, value
    if shape is None:
        return
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, part in value.items():
            yield from _values(shape.members.get(name), part, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for part in value:
            yield from _values(shape.member, part, path)
    elif shape.type_name == "map":
        for name, part in value.items():
            yield f"{path} key", shape.key, name
            yield from _values(shape.value, part, f"{path}.{name}")


def _against(shape, value):
    """Yield what the model does not allow: its maximum, its pattern, its enumeration."""
    if shape is None:
        yield "no such parameter"
        return
    longest, pattern = shape.metadata.get("max"), shape.metadata.get("pattern")
    if longest is not None and (value if isinstance(value, int | float) else len(value)) > longest:
        yield f"more than {longest}"
    if pattern and isinstance(value, str) and not re.fullmatch(_python(pattern), value):
        yield f"not {pattern}"
    if getattr(shape, "enum", None) and value not in shape.enum:
        yield f"none of {', '.join(shape.enum)}"


def _python(pattern):
    for java, ours in JAVA.items():
        pattern = pattern.replace(java, ours)
    return pattern
