"""What people may do: who does the lab, and who grades it. Policies for users and roles; nothing here calls AWS."""

from lab_lib.aws.functions import ROLES, SOURCES
from lab_lib.aws.policies import Policy, allow, document, log, table
from lab_lib.aws.queues import ALERT_QUEUES, DEAD_LETTERS
from lab_lib.aws.tables import EXPIRING, KEYS, STREAMED
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.lab import BUCKET_NAME, Lab

RESULTS = [name for name in KEYS if name not in EXPIRING]  # the tables that the checks read

# These know nothing narrower: they list, or ask for numbers, of the whole account. So does GetSubscriptionAttributes.
LISTS = [
    "cloudwatch:GetMetricData",
    "dynamodb:ListTables",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctions",
    "logs:DescribeLogGroups",
    "s3:ListAllMyBuckets",
    "sns:GetSubscriptionAttributes",
    "sns:ListSubscriptions",
    "sns:ListTopics",
    "sqs:ListQueues",
]


def grader(lab: Lab) -> Policy:
    """What somebody may do who grades the account: see how it is built, and read what the lab keeps there."""
    bucket = lab.arn("s3", f"*{BUCKET_NAME}*")
    return document(
        allow(LISTS, "*"),
        allow(  # on everything, since the account may have been built by hand: roles may have any name
            [
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "iam:GetRole",
                "iam:SimulatePrincipalPolicy",
                "lambda:GetFunction",
                "lambda:GetFunctionEventInvokeConfig",
                "lambda:GetPolicy",
                "sns:GetTopicAttributes",
                "sns:ListSubscriptionsByTopic",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
            ],
            "*",
        ),
        allow(
            [
                "s3:GetBucketLocation",
                "s3:GetBucketNotification",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:ListBucket",
            ],
            bucket,
        ),
        allow(["s3:GetObject"], f"{bucket}/*"),
        allow(["logs:FilterLogEvents"], *_logs(lab)),
        allow(["dynamodb:Scan"], *(table(lab, name) for name in RESULTS)),
        allow(  # a message is only seen when it is received, and laid back at once
            ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility*"],
            *(lab.arn("sqs", lab.name(name)) for name in ALERT_QUEUES),
        ),
    )


def learner(lab: Lab) -> Policy:
    """What somebody must be allowed who does the whole lab, from the first notebook to the last, and checks it.

    Only what carries the lab's names. But whoever says what a role may do, and gives it to a function, may do all that
    a role can be allowed: where others share the account, add a permissions boundary to iam:CreateRole.
    """
    return document(
        allow(LISTS, "*"),
        *_own_bucket(lab),
        *_own_tables(lab),
        *_own_roles(lab),
        *_own_functions(lab),
        *_own_topic_and_queues(lab),
    )


def _own_bucket(lab: Lab) -> list[Policy]:
    bucket = lab.arn("s3", lab.bucket)
    actions = (
        "CreateBucket DeleteBucket GetBucketLocation GetBucketNotification GetBucketPolicy GetBucketPublicAccessBlock "
        "GetBucketTagging ListBucket ListBucketVersions PutBucketNotification PutBucketPolicy "
        "PutBucketPublicAccessBlock PutBucketTagging PutEncryptionConfiguration TagResource"
    )
    return [
        allow(_of("s3", actions), bucket),
        allow(_of("s3", "DeleteObject DeleteObjectVersion GetObject PutObject"), f"{bucket}/*"),
    ]


def _own_tables(lab: Lab) -> list[Policy]:
    """The tables, and what notebook 06 does in them by hand."""
    every, expiring = [table(lab, name) for name in KEYS], [table(lab, name) for name in EXPIRING]
    streamed = table(lab, STREAMED)
    return [
        allow(_of("dynamodb", "CreateTable DeleteTable DescribeTable ListTagsOfResource Scan TagResource"), *every),
        allow(_of("dynamodb", "DeleteItem"), *(table(lab, name) for name in RESULTS)),
        allow(_of("dynamodb", "PutItem UpdateTable"), streamed),
        allow(_of("dynamodb", "DescribeStream GetRecords GetShardIterator"), f"{streamed}/stream/*"),
        allow(_of("dynamodb", "DescribeTimeToLive UpdateTimeToLive"), *expiring),
    ]


def _own_roles(lab: Lab) -> list[Policy]:
    roles = [lab.arn("iam", f"role/{lab.name(name)}") for name in ROLES.values()]
    actions = (
        "CreateRole DeleteRole DeleteRolePolicy DetachRolePolicy GetRole ListAttachedRolePolicies ListRolePolicies "
        "PutRolePolicy SimulatePrincipalPolicy TagRole UpdateAssumeRolePolicy"
    )
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    return [allow(_of("iam", actions), *roles), allow(_of("iam", "PassRole"), *roles, Condition=to_lambda)]


def _own_functions(lab: Lab) -> list[Policy]:
    """The functions, their logs, and the mapping: AWS makes up its name, so it is told by its function."""
    functions = [lab.arn("lambda", f"function:{lab.name(name)}") for name in SOURCES]
    processor, notifier = functions
    mappings = lab.arn("lambda", "event-source-mapping:*")
    to_notifier = {"ArnEquals": {"lambda:FunctionArn": notifier}}
    actions = (
        "CreateFunction DeleteFunction GetFunction GetFunctionConfiguration InvokeFunction ListTags TagResource "
        "UpdateFunctionCode UpdateFunctionConfiguration"
    )
    of_processor = "AddPermission GetFunctionEventInvokeConfig GetPolicy PutFunctionEventInvokeConfig RemovePermission"
    of_mapping = "DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping"
    of_logs = "CreateLogGroup DeleteLogGroup FilterLogEvents ListTagsForResource PutRetentionPolicy TagResource"
    return [
        allow(_of("lambda", actions), *functions),
        allow(_of("lambda", of_processor), processor),
        allow(_of("lambda", "CreateEventSourceMapping"), "*", Condition=to_notifier),  # knows no narrower resource
        allow(_of("lambda", of_mapping), mappings, Condition=to_notifier),
        allow(_of("lambda", "TagResource"), mappings),
        allow(_of("logs", of_logs), *_logs(lab)),
    ]


def _own_topic_and_queues(lab: Lab) -> list[Policy]:
    of_topic = (
        "ConfirmSubscription CreateTopic DeleteTopic GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource "
        "SetTopicAttributes Subscribe TagResource"
    )
    of_queue = (
        "ChangeMessageVisibility* CreateQueue DeleteMessage DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags "
        "ReceiveMessage SetQueueAttributes TagQueue"
    )
    queues = [lab.arn("sqs", lab.name(name)) for name in (*ALERT_QUEUES, DEAD_LETTERS)]
    return [
        allow(_of("sns", of_topic), lab.arn("sns", lab.name(ALERT_TOPIC))),
        allow(_of("sqs", of_queue), *queues),
    ]


def _logs(lab: Lab) -> list[str]:
    """The log groups, in both ways to write them: which of the two counts for an action, AWS leaves open."""
    groups = [log(lab, name) for name in SOURCES]
    return [*groups, *(f"{group}:*" for group in groups)]


def _of(service: str, actions: str) -> list[str]:
    """The actions of a service as a policy names them: ["iam:GetRole", …]."""
    return [f"{service}:{action}" for action in actions.split()]
