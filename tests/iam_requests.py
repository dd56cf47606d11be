"""What recorded calls ask of IAM: actions, resources and condition keys, by AWS's Service Authorization Reference."""

import json
from base64 import b64decode

from lab_lib.aws.grants import Request, is_allowed, like

# The actions of operations that have another name than their action, or need more than one.
ACTIONS = {
    "dynamodb:CreateTable": ["dynamodb:CreateTable", "dynamodb:TagResource"],
    "iam:CreateRole": ["iam:CreateRole", "iam:TagRole"],
    "lambda:CreateEventSourceMapping": ["lambda:CreateEventSourceMapping", "lambda:TagResource"],
    "lambda:CreateFunction": ["lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
    "logs:CreateLogGroup": ["logs:CreateLogGroup", "logs:TagResource"],
    "s3:CreateBucket": ["s3:CreateBucket", "s3:TagResource"],
    "s3:CreateMultipartUpload": ["s3:PutObject"],
    "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
    "s3:GetBucketNotificationConfiguration": ["s3:GetBucketNotification"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:HeadObject": ["s3:GetObject", "s3:ListBucket"],  # without the second, S3 answers 403 for a deleted object
    "s3:ListBuckets": ["s3:ListAllMyBuckets"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
    "s3:PutBucketNotificationConfiguration": ["s3:PutBucketNotification"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "sns:CreateTopic": ["sns:CreateTopic", "sns:TagResource"],
    "sqs:ChangeMessageVisibilityBatch": ["sqs:ChangeMessageVisibility"],
    "sqs:CreateQueue": ["sqs:CreateQueue", "sqs:TagQueue"],
    "sts:GetCallerIdentity": [],  # everybody may ask who they are
}
SERVICES = {"dynamodbstreams": "dynamodb"}  # whose actions have another name than boto3's
NAMED = {  # the parameters that name a resource, and its part of the ARN
    "cloudwatch": {},
    "dynamodb": {"TableName": "table/{}", "ResourceArn": "", "StreamArn": ""},
    "iam": {"RoleName": "role/{}", "PolicySourceArn": ""},
    "lambda": {"FunctionName": "function:{}", "Resource": ""},
    "logs": {"logGroupName": "log-group:{}", "resourceArn": ""},
    "s3": {"Bucket": "{}"},
    "sns": {"TopicArn": "", "ResourceArn": "", "Name": "{}"},
    "sqs": {"QueueUrl": "{}", "QueueName": "{}"},
}
# Actions without resource-level permissions.
UNNAMED = {"lambda:CreateEventSourceMapping", "lambda:ListEventSourceMappings"}
USER = "arn:aws:iam::123456789012:user/any"
PROVEN = {"denied": [], "unused": set()}


def requests(call, lab):
    """Return the requests that IAM decides for one call: {"service": …, "operation": …, "params": …}."""
    name, params = f"{SERVICES.get(call['service'], call['service'])}:{call['operation']}", call["params"]
    if name == "dynamodb:TransactWriteItems":
        pairs = [pair for action in params["TransactItems"] for pair in action.items()]
        asked = [(f"dynamodb:{kind}Item", lab.arn("dynamodb", f"table/{item['TableName']}")) for kind, item in pairs]
    else:
        asked = [(action, arn) for action in ACTIONS.get(name, [name]) for arn in _arns(action, name, params, lab)]
    return [Request(USER, action, arn, _context(action, params, lab)) for action, arn in asked]


def _context(action, params, lab):
    if action.endswith("EventSourceMapping"):  # AWS knows the function of one that a call names by its id
        function = params.get("FunctionName", lab.name("TotalNotifier")).split(":")[-1]
        return {"lambda:functionarn": lab.arn("lambda", f"function:{function}")}
    return {"iam:passedtoservice": "lambda.amazonaws.com"} if action == "iam:PassRole" else {}


def _arns(action, operation, params, lab):
    """Return the ARNs of the resources; "*" if the call names none."""
    if action == "iam:PassRole":
        return [params["Role"]]
    if operation in UNNAMED:
        return [lab.arn("lambda", "event-source-mapping:any")] if action == "lambda:TagResource" else ["*"]
    if "RequestItems" in params:
        return [lab.arn("dynamodb", f"table/{name}") for name in params["RequestItems"]]
    if "ShardIterator" in params:  # as the embedded AWS makes it
        return [lab.arn("dynamodb", f"table/{json.loads(b64decode(params['ShardIterator']))['t']}/stream/any")]
    service = action.split(":")[0]
    for name, part in NAMED[service].items():
        if value := params.get(name):
            last = value.split("/")[-1] if value.startswith("http") else value
            arn = value if value.startswith("arn:") else lab.arn(service, part.format(last))
            return [f"{arn}{end}" for end in _ends(action, params)]
    return ["*"]


def _ends(action, params):
    """Return the ends of the ARNs: the keys of objects, a log stream, or both ways to write a log group's ARN.

    AWS does not say which of these two an action compares.
    """
    if "logGroupName" in params:
        return [f":log-stream:{params['logStreamName']}"] if "logStreamName" in params else ["", ":*"]
    keys = [item["Key"] for item in [params, *params.get("Delete", {}).get("Objects", [])] if "Key" in item]
    of_objects = action.startswith("s3:") and action != "s3:ListBucket"
    return [f"/{key}" for key in keys] if of_objects and keys else [""]


def prove(policy, calls, lab):
    """Return which of these calls the policy denies, and which of its actions none uses."""
    asked = {repr(request): request for call in calls for request in requests(call, lab)}.values()
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    return {
        "denied": [
            f"{request.action} on {request.resource}"
            for request in asked
            if not is_allowed(policy["Statement"], request)
        ],
        "unused": {action for action in granted if not any(like(action, request.action) for request in asked)},
    }
