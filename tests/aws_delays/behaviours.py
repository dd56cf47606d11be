"""AWS's behaviours in its first minutes: DELAYS has their lengths, LINES what they do. Both go by the name of a delay.

The lines of a call come in the order in which they change its answer: what is not there yet comes before what is in
use. A delay without a line is code, in the modules of_*.py and in layer.py.
"""

from typing import NamedTuple

from tests.aws_delays import answers as a
from tests.aws_delays import of_mappings, of_messages  # noqa: F401  # they change an answer before the lines do
from tests.aws_delays.kinds import Line, Since, deferred, refused, shown, unlisted
from tests.aws_delays.late_settings import Setting, as_before, counted


class Delay(NamedTuple):
    """A delay: its length in seconds (0 if it has none), what AWS does, and where that is written."""

    seconds: float
    what: str
    source: str


_TERRAFORM = "Terraform's AWS provider waits for this"
_REPORTED = "reported by other projects"
_EVENTUAL = "S3 User Guide: bucket configurations are eventually consistent"
_IAM = "IAM User Guide: changes are not always visible at once"
_LIKE_OTHERS = "not documented; taken to be like others of its kind"

DELAYS = {
    # What was just made is not there yet.
    "iam": Delay(3, "IAM does not find a role that was just created", _IAM),
    "function-reads": Delay(5, "reads do not find a new function", _TERRAFORM),
    "function-writes": Delay(5, "changes do not find a new function", _TERRAFORM),
    "mapping-reads": Delay(5, "a new mapping is neither found nor listed", _TERRAFORM),
    "table-reads": Delay(10, "every other DescribeTable does not find a new table", "DynamoDB's API reference"),
    "bucket": Delay(5, "a new bucket is neither found nor listed", _TERRAFORM),
    "topic": Delay(3, "a new topic is neither found nor listed", _TERRAFORM),
    "subscription": Delay(5, "a new subscription is not listed", _TERRAFORM),
    "queue": Delay(3, "a new queue cannot be used", "SQS's API reference, CreateQueue: at least a second"),
    "log-group": Delay(5, "a new log group is not listed", _LIKE_OTHERS),
    # What was just deleted is still there.
    "topic-deletion": Delay(30, "a deleted topic is still found", _LIKE_OTHERS),
    "queue-deletion": Delay(
        60, "a deleted queue is still found; its name is taken", "SQS's API reference, DeleteQueue"
    ),
    "bucket-name": Delay(3600, "the name of a deleted bucket cannot be used", "aws-cli's issue 2593: up to an hour"),
    "log-group-deletion": Delay(30, "a deleted log group is still found", _LIKE_OTHERS),
    # What was just set does not count yet, or is not read yet.
    "role-policy": Delay(15, "a role's changed policy does not count yet", _IAM),
    "queue-policy": Delay(60, "a changed queue policy does not count yet", "SQS's API reference, SetQueueAttributes"),
    "notification": Delay(240, "a bucket does not use its new notification yet", "S3 User Guide: about five minutes"),
    "notification-reads": Delay(5, "a bucket's notification is read as it was before", _EVENTUAL),
    "bucket-settings": Delay(5, "policy, access block, encryption of a bucket are read as they were", _EVENTUAL),
    "permission": Delay(5, "a new permission of a function is not in its policy", _TERRAFORM),
    "settings": Delay(5, "settings of queues, topics, tables, functions, roles are read as they were", _LIKE_OTHERS),
    "tags": Delay(5, "the tags of a new thing are not read yet", _LIKE_OTHERS),
    # What is in use refuses the next call.
    "role": Delay(10, "Lambda cannot assume a new role", _TERRAFORM),
    "grant": Delay(15, "Lambda's key has no grant for a new role", _TERRAFORM),
    "stream-access": Delay(20, "Lambda cannot read a stream with a new role", _TERRAFORM),
    "function": Delay(5, "a new function is Pending; a change of it is refused", "Lambda Developer Guide, states"),
    "function-update": Delay(
        3, "a changed function is InProgress; the next change is refused", "Lambda Developer Guide, states"
    ),
    "table": Delay(10, "a table is CREATING, UPDATING or DELETING", "DynamoDB's API reference"),
    "mapping": Delay(
        75, "a mapping is Creating, Enabling, Disabling or Deleting", "Lambda's API reference: the states"
    ),
    "permission-conflict": Delay(0, "each AddPermission is refused twice", "sst's issue 6923"),
    "bucket-conflict": Delay(0, "each change of a bucket is refused twice", "Terraform's AWS provider, issue 7628"),
    "log-group-conflict": Delay(0, "each PutRetentionPolicy is refused twice", "aws-cdk's issue 17546"),
    "throttling": Delay(0, "every 7th call, if not about data, is refused twice", "botocore retries these errors"),
    "long-throttling": Delay(0, "every 41st call, if not about data, is refused six times", _REPORTED),
    # What is counted, logged or confirmed comes late.
    "queue-counts": Delay(60, "a queue still shows its earlier counts", "SQS's API reference, GetQueueAttributes"),
    "logs": Delay(60, "log events are not found yet", _REPORTED),
    "metrics": Delay(180, "CloudWatch has not counted yet", _REPORTED),
    "e-mail": Delay(120, "a subscription is pending until its recipient confirms it", "a person needs minutes"),
    "no-bucket": Delay(0, "CreateBucket is refused for ever, whatever the name", _LIKE_OTHERS),
}
# A run without an address never meets the delay of e-mail, and a run with one needs a person.
ALL = {name: delay.seconds for name, delay in DELAYS.items() if name not in ("e-mail", "no-bucket")}
USUAL = {name: seconds for name, seconds in ALL.items() if "throttling" not in name}  # for the estimate of a run

# What is new, changed or deleted.
_ROLE = Since("CreateRole", "RoleName PolicySourceArn Role")
_FUNCTION = Since("CreateFunction", "FunctionName Resource")
_CHANGED_FUNCTION = Since("UpdateFunctionCode UpdateFunctionConfiguration", "FunctionName")
_MAPPING = Since("CreateEventSourceMapping", "UUID Resource")
_TABLE, _CHANGED_TABLE = Since("CreateTable", "TableName ResourceArn"), Since("UpdateTable", "TableName")
_BUCKET = Since("CreateBucket", "Bucket Name")
_TOPIC, _SUBSCRIPTION = Since("CreateTopic", "Name TopicArn ResourceArn"), Since("Subscribe", "SubscriptionArn")
_QUEUE = Since("CreateQueue", "QueueName QueueUrl")
_GROUP = Since("CreateLogGroup", "logGroupName resourceArn")
_DELETED_TABLE, _DELETED_BUCKET = Since("DeleteTable", "TableName"), Since("DeleteBucket", "Bucket")
_DELETED_TOPIC, _DELETED_QUEUE = Since("DeleteTopic", "Name TopicArn"), Since("DeleteQueue", "QueueName QueueUrl")
_DELETED_GROUP = Since("DeleteLogGroup", "logGroupName")
_PUT_POLICY, _PUT_ANY_POLICY = Since("PutRolePolicy", "RoleName PolicyName"), Since("PutRolePolicy", "RoleName")
_SET_QUEUE, _SET_TOPIC = Since("SetQueueAttributes", "QueueUrl"), Since("SetTopicAttributes", "TopicArn")
_NOTIFY = Since("PutBucketNotificationConfiguration", "Bucket")
_SET_FUNCTION = Since("UpdateFunctionConfiguration", "FunctionName")
_SET_INVOKES = Since("PutFunctionEventInvokeConfig", "FunctionName")

LINES = [
    Line("iam", refused, _ROLE, a.OF_ROLES, a.NO_ROLE),
    Line("function-reads", refused, _FUNCTION, a.FUNCTION_READS, a.NO_FUNCTION),
    Line("function-reads", unlisted, _FUNCTION, "ListFunctions"),
    Line("function-writes", refused, _FUNCTION, a.FUNCTION_WRITES, a.NO_FUNCTION),
    Line("mapping-reads", refused, _MAPPING, "GetEventSourceMapping", a.NO_MAPPING),
    Line("mapping-reads", unlisted, _MAPPING, "ListEventSourceMappings"),
    Line("table-reads", refused, _TABLE, "DescribeTable", a.NO_TABLE, times=1),
    Line("bucket", refused, _BUCKET, a.OF_BUCKETS, a.NO_BUCKET),
    Line("bucket", unlisted, _BUCKET, "ListBuckets"),
    Line("topic", refused, _TOPIC, a.OF_TOPICS, a.NO_TOPIC),
    Line("topic", unlisted, _TOPIC, "ListTopics"),
    Line("subscription", unlisted, _SUBSCRIPTION, "ListSubscriptionsByTopic ListSubscriptions"),
    Line("queue", refused, _QUEUE, f"GetQueueUrl {a.OF_QUEUES}", a.NO_QUEUE),
    Line("queue", unlisted, _QUEUE, "ListQueues"),
    Line("log-group", unlisted, _GROUP, "DescribeLogGroups"),
    Line("topic-deletion", deferred, _DELETED_TOPIC, "CreateTopic"),
    Line("queue-deletion", refused, _DELETED_QUEUE, a.OF_QUEUES, a.NO_QUEUE),
    Line("queue-deletion", refused, _DELETED_QUEUE, "CreateQueue", a.QUEUE_DELETED),
    Line("queue-deletion", deferred, _DELETED_QUEUE, ""),
    Line("bucket-name", refused, _DELETED_BUCKET, "CreateBucket", a.BUCKET_IN_USE),
    Line("log-group-deletion", deferred, _DELETED_GROUP, "CreateLogGroup"),
    Line(
        "role-policy", counted, _PUT_POLICY, "GetRolePolicy", Setting("PolicyDocument", "PolicyDocument", a.NO_POLICY)
    ),
    Line(
        "queue-policy", counted, _SET_QUEUE, "GetQueueAttributes", Setting("Attributes Policy", "Attributes Policy", "")
    ),
    Line("notification", counted, _NOTIFY, f"Get{_NOTIFY.calls[3:]}", Setting("NotificationConfiguration", "", {})),
    Line("notification-reads", as_before, _NOTIFY, "GetBucketNotificationConfiguration"),
    Line("bucket-settings", as_before, Since("PutBucketPolicy", "Bucket"), "GetBucketPolicy"),
    Line("bucket-settings", as_before, Since("PutPublicAccessBlock", "Bucket"), "GetPublicAccessBlock"),
    Line("bucket-settings", as_before, Since("PutBucketEncryption", "Bucket"), "GetBucketEncryption"),
    Line("permission", as_before, Since("AddPermission", "FunctionName"), "GetPolicy"),
    Line("settings", as_before, _SET_QUEUE, "GetQueueAttributes"),
    Line("settings", as_before, _SET_TOPIC, "GetTopicAttributes"),
    Line("settings", as_before, Since("UpdateTimeToLive", "TableName"), "DescribeTimeToLive"),
    Line("settings", as_before, _SET_FUNCTION, "GetFunction GetFunctionConfiguration"),
    Line("settings", as_before, _SET_INVOKES, "GetFunctionEventInvokeConfig"),
    Line("settings", as_before, _PUT_POLICY, "GetRolePolicy"),
    Line("settings", as_before, _PUT_ANY_POLICY, "ListRolePolicies"),
    Line("tags", shown, _ROLE, "GetRole", {"Tags": []}),
    Line("tags", shown, _FUNCTION, "GetFunction ListTags", {"Tags": {}}),
    Line("tags", shown, _MAPPING, "ListTags", {"Tags": {}}),
    Line("tags", shown, _TABLE, "ListTagsOfResource", {"Tags": []}),
    Line("tags", shown, _TOPIC, "ListTagsForResource", {"Tags": []}),
    Line("tags", shown, _QUEUE, "ListQueueTags", {"Tags": {}}),
    Line("tags", shown, _GROUP, "ListTagsForResource", {"tags": {}}),
    Line("tags", refused, Since("CreateBucket PutBucketTagging", "Bucket"), "GetBucketTagging", a.NO_TAGS),
    Line("role", refused, _ROLE, "CreateFunction UpdateFunctionConfiguration", a.NOT_ASSUMED),
    Line("grant", refused, _ROLE, "CreateFunction UpdateFunctionConfiguration", a.NO_GRANT),
    Line("stream-access", refused, _FUNCTION, "CreateEventSourceMapping", a.NO_STREAM),  # its role is new, too
    Line("function", refused, _FUNCTION, f"{a.FUNCTION_CHANGES} Invoke", a.PENDING),
    Line("function", shown, _FUNCTION, f"CreateFunction {a.FUNCTION_STATES}", a.NEW_FUNCTION),
    Line("function-update", refused, _CHANGED_FUNCTION, a.FUNCTION_CHANGES, a.IN_PROGRESS),
    Line("function-update", shown, _CHANGED_FUNCTION, a.FUNCTION_STATES, {"LastUpdateStatus": "InProgress"}),
    Line("table", refused, _TABLE, a.TABLE_CHANGES, a.TABLE_CREATING),
    Line("table", refused, _CHANGED_TABLE, a.TABLE_CHANGES, a.TABLE_UPDATING),
    Line("table", refused, _DELETED_TABLE, a.TABLE_CHANGES, a.TABLE_DELETING),
    Line("table", refused, _TABLE, a.OF_ITEMS, a.NO_TABLE),
    Line("table", refused, _DELETED_TABLE, a.OF_ITEMS, a.NO_TABLE),
    Line("table", shown, _TABLE, "CreateTable DescribeTable", {"TableStatus": "CREATING"}),
    Line("table", shown, _CHANGED_TABLE, "UpdateTable DescribeTable", {"TableStatus": "UPDATING"}),
    Line("table", shown, _DELETED_TABLE, "DescribeTable", {"TableStatus": "DELETING"}),
    Line("table", deferred, _DELETED_TABLE, ""),
    Line("permission-conflict", refused, Since("", "FunctionName"), "AddPermission", a.CONCURRENT, times=2),
    Line("bucket-conflict", refused, Since("", "Bucket"), a.BUCKET_CHANGES, a.BUCKET_IN_USE, times=2),
    Line("log-group-conflict", refused, Since("", "logGroupName"), "PutRetentionPolicy", a.GROUP_IN_USE, times=2),
    Line("no-bucket", refused, Since("", "Bucket"), "CreateBucket", a.BUCKET_IN_USE),
]
for _line in LINES:
    _line.kind(_line)
