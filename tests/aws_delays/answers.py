"""The calls that AWS's behaviours change, in groups, and the errors that AWS answers with."""

import json

from tests.aws_delays.replies import Refusal

OF_ROLES = (
    "GetRole PutRolePolicy GetRolePolicy ListRolePolicies ListAttachedRolePolicies AttachRolePolicy "
    "UpdateAssumeRolePolicy SimulatePrincipalPolicy TagRole DeleteRole"
)
FUNCTION_READS = (
    "GetFunction GetFunctionConfiguration GetFunctionEventInvokeConfig GetFunctionConcurrency GetPolicy ListTags "
    "ListVersionsByFunction ListAliases"
)
FUNCTION_CHANGES = "UpdateFunctionCode UpdateFunctionConfiguration PublishVersion"
FUNCTION_STATES = f"{FUNCTION_CHANGES} GetFunction GetFunctionConfiguration"
FUNCTION_WRITES = (
    f"{FUNCTION_CHANGES} AddPermission RemovePermission PutFunctionEventInvokeConfig CreateEventSourceMapping Invoke "
    "TagResource DeleteFunction"
)
TABLE_CHANGES = "CreateTable UpdateTable DeleteTable UpdateTimeToLive"
OF_ITEMS = "Scan Query GetItem PutItem UpdateItem DeleteItem DescribeTimeToLive"
BUCKET_CHANGES = (
    "PutBucketTagging PutPublicAccessBlock PutBucketEncryption PutBucketPolicy PutBucketNotificationConfiguration"
)
OF_BUCKETS = (
    f"{BUCKET_CHANGES} HeadBucket DeleteBucket GetBucketTagging GetPublicAccessBlock GetBucketEncryption "
    "GetBucketPolicy GetBucketPolicyStatus GetBucketNotificationConfiguration GetBucketLocation GetBucketVersioning "
    "ListObjects ListObjectsV2 ListObjectVersions HeadObject GetObject PutObject DeleteObject DeleteObjects "
    "CreateMultipartUpload"
)
OF_TOPICS = (
    "GetTopicAttributes SetTopicAttributes ListSubscriptionsByTopic Subscribe Publish ListTagsForResource TagResource"
)
OF_QUEUES = (
    "GetQueueAttributes SetQueueAttributes ListQueueTags TagQueue SendMessage SendMessageBatch ReceiveMessage "
    "DeleteMessage ChangeMessageVisibility ChangeMessageVisibilityBatch PurgeQueue"
)

NO_ROLE = Refusal(404, "NoSuchEntity", "The role with name {} cannot be found.")
NO_FUNCTION = Refusal(404, "ResourceNotFoundException", "Function not found: {}")
NO_MAPPING = Refusal(404, "ResourceNotFoundException", "The resource you requested does not exist.")
NO_TABLE = Refusal(400, "ResourceNotFoundException", "Requested resource not found")
NO_BUCKET = Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
NO_TAGS = Refusal(404, "NoSuchTagSet", "The TagSet does not exist")
NO_TOPIC = Refusal(404, "NotFound", "Topic does not exist")
NO_QUEUE = Refusal(400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
QUEUE_DELETED = Refusal(
    400,
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
)
_TRY_AGAIN = "operation is currently in progress against this resource. Please try again."
BUCKET_IN_USE = Refusal(409, "OperationAborted", f"A conflicting conditional {_TRY_AGAIN}")
GROUP_IN_USE = Refusal(400, "OperationAbortedException", f"A conflicting {_TRY_AGAIN}")
_BEING = "Attempt to change a resource which is still in use: Table is being"
TABLE_CREATING = Refusal(400, "ResourceInUseException", f"{_BEING} created: {{}}")
TABLE_UPDATING = Refusal(400, "ResourceInUseException", f"{_BEING} updated: {{}}")
TABLE_DELETING = Refusal(400, "ResourceInUseException", f"{_BEING} deleted: {{}}")
_FUNCTION_IN_USE = Refusal(409, "ResourceConflictException", "")
_NOT_NOW = "The operation cannot be performed at this time."
PENDING = _FUNCTION_IN_USE._replace(message=f"{_NOT_NOW} The function is currently in the following state: Pending")
IN_PROGRESS = _FUNCTION_IN_USE._replace(message=f"{_NOT_NOW} An update is in progress for the function.")
CONCURRENT = _FUNCTION_IN_USE._replace(
    message="The function could not be updated due to a concurrent update operation."
)
_ROLE_REFUSED = Refusal(400, "InvalidParameterValueException", "")
NOT_ASSUMED = _ROLE_REFUSED._replace(message="The role defined for the function cannot be assumed by Lambda.")
NO_GRANT = _ROLE_REFUSED._replace(
    message="Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
    "CreateGrant. Please check your KMS key settings. KMS Exception: InvalidArnException KMS Message: ARN does not "
    "refer to a valid principal"
)
NO_STREAM = _ROLE_REFUSED._replace(
    message="Cannot access stream {EventSourceArn}. Please ensure the role can perform the GetRecords, "
    "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
)

# What functions and policies are until then.
NEW_FUNCTION = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
    "LastUpdateStatus": "InProgress",
}
NO_POLICY = json.dumps(  # it must have a statement
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "no:Action", "Resource": "*"}]}
)
