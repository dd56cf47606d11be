"""AWS's behaviours in its first minutes: how long each takes, what AWS does then, and where that is written.

A comment names the source. A behaviour without one is not documented, and taken to be like others of its kind. What is
not there yet comes before what is in use, since the first line that refuses a call does.
"""

from tests.aws_delays.kinds import Deferred, Line, Refused, Shown, Since, Unlisted


class Started(Line):
    """A new mapping delivers nothing yet."""

    def begin(self, call):
        call.params["Enabled"] = False

    def change(self, call, parsed, seconds):
        params = {"UUID": parsed["UUID"], "Enabled": True}
        call.shared.later(seconds, "", parsed["UUID"], call.service, "UpdateEventSourceMapping", params)


class Notified(Line):
    """A bucket shows its new notification before it uses it."""

    def change(self, call, parsed, seconds):
        bucket = call.params["Bucket"]
        put = call.shared.pending(self.since.calls, bucket)
        if put and not self.since.is_late(call, _SHOWN, bucket):
            parsed.update(put["NotificationConfiguration"])


class Received(Line):
    """AWS's time jumps over the wait for messages."""

    def begin(self, call):
        call.wait = call.params.pop("WaitTimeSeconds", 0)

    def change(self, call, parsed, seconds):
        if not parsed.get("Messages"):
            call.shared.sleep(call.wait)


class Counted(Line):
    """A queue still shows its earlier counts."""

    def change(self, call, parsed, seconds):
        attributes = parsed.get("Attributes", {})
        queue = f"{call.params['QueueUrl']} {attributes.get('CreatedTimestamp')}"
        for name in attributes:
            if name.startswith("ApproximateNumberOfMessages"):
                attributes[name] = call.shared.one_delay_ago(seconds, name, queue, attributes[name], "0")


class Logged(Line):
    """Log events are not found yet."""

    def change(self, call, parsed, seconds):
        def age(event):
            moment = event["timestamp"] / 1000
            return call.shared.now() - moment - call.shared.ahead(moment)

        parsed["events"] = [event for event in parsed["events"] if age(event) >= seconds]


class Measured(Line):
    """CloudWatch has not counted yet."""

    def change(self, call, parsed, seconds):
        metrics = {query["Id"]: str(query["MetricStat"]) for query in call.params["MetricDataQueries"]}
        for result in parsed["MetricDataResults"]:
            metric, points = metrics[result["Id"]], zip(result["Timestamps"], result["Values"], strict=True)
            values = [call.shared.one_delay_ago(seconds, metric, str(when), value, 0) for when, value in points]
            result["Values"] = values


_SHOWN = 5  # seconds until a bucket shows its new notification: S3 User Guide, eventually consistent

# What is new, changed or deleted.
_ROLE = Since("iam.CreateRole", "RoleName PolicySourceArn Role")
_FUNCTION = Since("lambda.CreateFunction", "FunctionName Resource")
_CHANGED_FUNCTION = Since("lambda.UpdateFunction(Code|Configuration)", "FunctionName")
_MAPPING = Since("lambda.CreateEventSourceMapping", "UUID Resource")
_CHANGED_MAPPING = Since("lambda.UpdateEventSourceMapping", "UUID")
_DELETED_MAPPING = Since("lambda.DeleteEventSourceMapping", "UUID")
_TABLE = Since("dynamodb.CreateTable", "TableName ResourceArn")
_CHANGED_TABLE, _DELETED_TABLE = (Since(f"dynamodb.{verb}Table", "TableName") for verb in ("Update", "Delete"))
_BUCKET, _DELETED_BUCKET = Since("s3.CreateBucket", "Bucket Name"), Since("s3.DeleteBucket", "Bucket")
_NOTIFICATION = Since("s3.PutBucketNotificationConfiguration", "Bucket")
_TOPIC = Since("sns.CreateTopic", "Name TopicArn ResourceArn")
_QUEUE, _DELETED_QUEUE = (Since(f"sqs.{verb}Queue", "QueueName QueueUrl") for verb in ("Create", "Delete"))
_GROUP = Since("logs.CreateLogGroup", "logGroupName resourceArn")
_ANY_TIME = Since("", "Bucket FunctionName logGroupName TableName")

# Which calls are refused, and how.
_OF_ROLES, _OF_BUCKETS = "iam.(?!CreateRole).+", "s3.(?!CreateBucket).+"
_OF_TOPICS, _OF_QUEUES = "sns.(?!CreateTopic).+", "sqs.(?!CreateQueue|DeleteQueue|GetQueueUrl).+"
_WITH_ROLE = "lambda.(CreateFunction|UpdateFunctionConfiguration)"
_FUNCTION_CHANGES = "lambda.(UpdateFunctionCode|UpdateFunctionConfiguration|PublishVersion)"
_TABLE_CHANGES = "dynamodb.(CreateTable|UpdateTable|DeleteTable|UpdateTimeToLive)"
_OF_ITEMS = "dynamodb.(Scan|Query|.+Item|DescribeTimeToLive)"
_UNKNOWN, _NO_QUEUE = "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue"
_IN_USE, _CONFLICT, _INVALID = "ResourceInUseException", "ResourceConflictException", "InvalidParameterValueException"

# The seconds that each lasts, 0 if it does not end, and what it changes.
DELAYS = {
    # What was just made is not there yet.
    "role": (3, Refused(_ROLE, _OF_ROLES, "NoSuchEntity")),  # IAM User Guide: not always visible at once
    "function-reads": (  # Terraform's AWS provider waits for this
        5,
        Refused(_FUNCTION, "lambda.(Get|ListTags|ListVersions|ListAliases).*", _UNKNOWN),
        Unlisted(_FUNCTION, "lambda.ListFunctions"),
    ),
    "function-writes": (  # Terraform's AWS provider waits for this
        5,
        Refused(_FUNCTION, "lambda.(?!CreateFunction|Get|List).+", _UNKNOWN),
    ),
    "mapping-reads": (  # Terraform's AWS provider waits for this
        5,
        Refused(_MAPPING, "lambda.GetEventSourceMapping", _UNKNOWN),
        Unlisted(_MAPPING, "lambda.ListEventSourceMappings"),
    ),
    "table-reads": (3, Refused(_TABLE, "dynamodb.DescribeTable", _UNKNOWN)),  # DynamoDB's API reference
    "bucket": (  # Terraform's AWS provider waits for this
        5,
        Refused(_BUCKET, _OF_BUCKETS, "NoSuchBucket"),
        Unlisted(_BUCKET, "s3.ListBuckets"),
    ),
    "topic": (  # Terraform's AWS provider waits for this
        3,
        Refused(_TOPIC, _OF_TOPICS, "NotFound"),
        Unlisted(_TOPIC, "sns.ListTopics"),
    ),
    "subscription": (  # Terraform's AWS provider waits for this
        5,
        Unlisted(Since("sns.Subscribe", "SubscriptionArn"), "sns.ListSubscriptions.*"),
    ),
    "queue": (  # SQS's API reference, CreateQueue: at least a second
        3,
        Refused(_QUEUE, f"{_OF_QUEUES}|sqs.GetQueueUrl", _NO_QUEUE),
        Unlisted(_QUEUE, "sqs.ListQueues"),
    ),
    "log-group": (5, Unlisted(_GROUP, "logs.DescribeLogGroups")),
    # What was just deleted is still there.
    "topic-deletion": (30, Deferred(Since("sns.DeleteTopic", "Name TopicArn"), "sns.CreateTopic")),
    "queue-deletion": (  # SQS's API reference, DeleteQueue
        60,
        Refused(_DELETED_QUEUE, _OF_QUEUES, _NO_QUEUE),
        Refused(_DELETED_QUEUE, "sqs.CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently"),
        Deferred(_DELETED_QUEUE),
    ),
    "bucket-name": (  # aws-cli's issue 2593: up to an hour
        3600,
        Refused(_DELETED_BUCKET, "s3.CreateBucket", "OperationAborted"),
    ),
    "log-group-deletion": (30, Deferred(Since("logs.DeleteLogGroup", "logGroupName"), "logs.CreateLogGroup")),
    # What was just set neither counts nor is read yet.
    "role-policy": (  # IAM User Guide: not always visible at once
        15,
        Deferred(Since("iam.PutRolePolicy", "RoleName PolicyName"), "iam.DeleteRolePolicy"),
    ),
    "queue-settings": (  # SQS's API reference, SetQueueAttributes
        60,
        Deferred(Since("sqs.SetQueueAttributes", "QueueUrl")),
    ),
    "notification": (  # S3 User Guide: about five minutes
        240,
        Deferred(_NOTIFICATION),
        Notified(_NOTIFICATION, "s3.GetBucketNotificationConfiguration"),
    ),
    "settings": (  # S3 User Guide: eventually consistent. Terraform's AWS provider waits for a permission
        5,
        Deferred(Since("s3.Put(BucketPolicy|PublicAccessBlock|BucketEncryption)", "Bucket")),
        Deferred(Since("lambda.(AddPermission|PutFunctionEventInvokeConfig)", "FunctionName"), "lambda.Remove.+"),
        Deferred(Since("sns.SetTopicAttributes", "TopicArn")),
        Deferred(Since("dynamodb.UpdateTimeToLive", "TableName")),
    ),
    "tags": (
        5,
        Shown(_ROLE, "iam.GetRole", {"Tags": []}),
        Shown(_FUNCTION, "lambda.(GetFunction|ListTags)", {"Tags": {}}),
        Shown(_MAPPING, "lambda.ListTags", {"Tags": {}}),
        Shown(_TABLE, "dynamodb.ListTagsOfResource", {"Tags": []}),
        Shown(_TOPIC, "sns.ListTagsForResource", {"Tags": []}),
        Shown(_QUEUE, "sqs.ListQueueTags", {"Tags": {}}),
        Shown(_GROUP, "logs.ListTagsForResource", {"tags": {}}),
        Refused(Since("s3.(CreateBucket|PutBucketTagging)", "Bucket"), "s3.GetBucketTagging", "NoSuchTagSet"),
    ),
    # What is new or in use refuses the next call.
    "grant": (  # Terraform's AWS provider waits for this
        15,
        Refused(_ROLE, _WITH_ROLE, _INVALID, "The KMS key is invalid for CreateGrant."),
    ),
    "stream-access": (  # Terraform's AWS provider waits for this. The function's role is new, too
        20,
        Refused(_FUNCTION, "lambda.CreateEventSourceMapping", _INVALID, "Cannot access stream."),
    ),
    "function": (  # Lambda Developer Guide: the states
        5,
        Refused(_FUNCTION, f"{_FUNCTION_CHANGES}|lambda.Invoke", _CONFLICT, "The function is Pending."),
        Shown(_FUNCTION, "lambda.(Create|Get)Function.*", {"State": "Pending", "LastUpdateStatus": "InProgress"}),
    ),
    "function-update": (  # Lambda Developer Guide: the states
        3,
        Refused(_CHANGED_FUNCTION, _FUNCTION_CHANGES, _CONFLICT, "An update is in progress for the function."),
        Shown(_CHANGED_FUNCTION, "lambda.GetFunction.*", {"LastUpdateStatus": "InProgress"}),
        Deferred(Since("lambda.UpdateFunctionConfiguration", "FunctionName")),
    ),
    "table": (  # DynamoDB's API reference
        10,
        Refused(_TABLE, _TABLE_CHANGES, _IN_USE, "Table is being created"),
        Refused(_CHANGED_TABLE, _TABLE_CHANGES, _IN_USE, "Table is being updated"),
        Refused(_DELETED_TABLE, _TABLE_CHANGES, _IN_USE, "Table is being deleted"),
        Refused(_TABLE, _OF_ITEMS, _UNKNOWN),
        Refused(_DELETED_TABLE, _OF_ITEMS, _UNKNOWN),
        Shown(_TABLE, "dynamodb.(Create|Describe)Table", {"TableStatus": "CREATING"}),
        Shown(_CHANGED_TABLE, "dynamodb.(Update|Describe)Table", {"TableStatus": "UPDATING"}),
        Shown(_DELETED_TABLE, "dynamodb.DescribeTable", {"TableStatus": "DELETING"}),
        Deferred(_DELETED_TABLE),
    ),
    "mapping": (  # Lambda's API reference: the states
        75,
        Refused(
            Since("lambda.(Create|Update|Delete)EventSourceMapping", "UUID"),
            "lambda.(Update|Delete)EventSourceMapping",
            _IN_USE,
            "The event source mapping is in use.",
        ),
        Shown(_MAPPING, "lambda.(Create|Get|List)EventSourceMappings?", {"State": "Creating"}),
        Shown(_CHANGED_MAPPING, "lambda.(Get|List)EventSourceMappings?", {"State": "Updating"}),
        Shown(_DELETED_MAPPING, "lambda.(Get|List)EventSourceMappings?", {"State": "Deleting"}),
        Started(_MAPPING, "lambda.CreateEventSourceMapping"),
        Deferred(_CHANGED_MAPPING),
        Deferred(_DELETED_MAPPING),
    ),
    # What is received, counted, logged or confirmed comes late.
    "messages": (0, Received(_ANY_TIME, "sqs.ReceiveMessage")),
    "queue-counts": (60, Counted(_ANY_TIME, "sqs.GetQueueAttributes")),  # SQS's API reference
    "logs": (60, Logged(_ANY_TIME, "logs.(FilterLogEvents|GetLogEvents)")),  # reported by other projects
    "metrics": (180, Measured(_ANY_TIME, "cloudwatch.GetMetricData")),  # reported by other projects
}
