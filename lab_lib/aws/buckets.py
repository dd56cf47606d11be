"""The S3 bucket that takes the transactions files, and the objects in it."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.aws import grants, policies
from lab_lib.errors import WrongResource, error_code
from lab_lib.handlers.transaction_processor import REJECTED, rejected_key
from lab_lib.lab import BUCKET_NAME, DEFAULT_REGION, TAG, Lab


def ensure_bucket(lab: Lab) -> str:
    """Make the lab's bucket private, encrypted and TLS only; its name. A bucket that was given is adopted as it is."""
    s3 = lab.client("s3")
    if _find_or_refuse(lab) is None:
        where = {} if lab.region == DEFAULT_REGION else {"LocationConstraint": lab.region}
        try:
            # Tagged from its first moment: a run that is cut off here must know its own bucket again.
            s3.create_bucket(Bucket=lab.bucket, CreateBucketConfiguration={**where, "Tags": [TAG]})
        except s3.exceptions.BucketAlreadyExists:
            raise _taken(lab) from None
        s3.get_waiter("bucket_exists").wait(Bucket=lab.bucket, WaiterConfig={"Delay": 1})
        # Said once more, for emulators that pass over the tags above.
        s3.put_bucket_tagging(Bucket=lab.bucket, Tagging={"TagSet": [TAG]})
    elif not is_ours(lab):
        return lab.bucket
    s3.put_public_access_block(
        Bucket=lab.bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=lab.bucket, ServerSideEncryptionConfiguration=encryption)
    s3.put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps(policies.tls_only_bucket(lab)))
    return lab.bucket


def find_bucket(lab: Lab) -> str | None:
    """The bucket's name, if this account has it."""
    try:
        lab.client("s3").head_bucket(Bucket=lab.bucket, ExpectedBucketOwner=lab.account)
        return lab.bucket
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return None
        raise


def alike(lab: Lab) -> list[str]:
    """The account's buckets whose names have the handout's part in them, and the lab's prefix before it."""
    names = [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]
    return [name for name in names if BUCKET_NAME in name and name.startswith(lab.prefix.lower())]


def region(lab: Lab) -> str:
    """The Region that the bucket is in."""
    where = lab.client("s3").get_bucket_location(Bucket=lab.bucket)["LocationConstraint"]
    return {None: DEFAULT_REGION, "EU": "eu-west-1"}.get(where, str(where))  # as S3 has called them from the start


def is_ours(lab: Lab) -> bool:
    """True if the bucket is there and the lab made it."""
    try:
        tags: list[dict[str, str]] = lab.client("s3").get_bucket_tagging(Bucket=lab.bucket)["TagSet"]
        return TAG in tags
    except ClientError as error:
        if error_code(error) in ("NoSuchTagSet", "NoSuchBucket"):
            return False
        raise


def delete_bucket(lab: Lab) -> None:
    """Delete the bucket and all in it, if the lab made it."""
    if not is_ours(lab):
        return
    s3 = lab.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=lab.bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if keys:
            s3.delete_objects(Bucket=lab.bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=lab.bucket)


def upload(lab: Lab, path: str | Path, key: str = "") -> str:
    """Upload a file; its key, which is the file's name unless another is given."""
    key = key or Path(path).name
    lab.client("s3").upload_file(str(path), lab.bucket, key, ExtraArgs={"ContentType": "text/plain; charset=utf-8"})
    return key


def put(lab: Lab, key: str, content: bytes) -> None:
    """Put an object there, as an upload does."""
    lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=content, ContentType="text/plain; charset=utf-8")


def delete_object(lab: Lab, key: str) -> None:
    """Delete an object; quiet if it is already gone."""
    lab.client("s3").delete_object(Bucket=lab.bucket, Key=key)


def is_private(lab: Lab) -> bool:
    """True if all four kinds of public access are blocked."""
    s3 = lab.client("s3")
    try:
        blocked = s3.get_public_access_block(Bucket=lab.bucket)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error_code(error) in ("NoSuchPublicAccessBlockConfiguration", "NoSuchBucket"):
            return False
        raise
    return all(blocked.values())


def objects(lab: Lab) -> list[dict[str, Any]]:
    """What the bucket holds, each as S3 lists it: Key, Size (bytes), LastModified …"""
    if find_bucket(lab) is None:
        return []
    pages = lab.client("s3").get_paginator("list_objects_v2").paginate(Bucket=lab.bucket)
    return [item for page in pages for item in page.get("Contents", [])]


def uploads(lab: Lab) -> list[dict[str, Any]]:
    """The objects that somebody uploaded, the newest last: not the rejected rows, nor the console's folders."""
    found = [each for each in objects(lab) if not each["Key"].startswith(REJECTED) and not each["Key"].endswith("/")]
    return sorted(found, key=lambda each: each["LastModified"])


def content(lab: Lab, key: str) -> bytes:
    """What an object holds."""
    body: bytes = lab.client("s3").get_object(Bucket=lab.bucket, Key=key)["Body"].read()
    return body


def statements(lab: Lab) -> list[dict[str, Any]]:
    """The statements of the bucket's policy."""
    try:
        policy = json.loads(lab.client("s3").get_bucket_policy(Bucket=lab.bucket)["Policy"])
    except ClientError as error:
        if error_code(error) in ("NoSuchBucketPolicy", "NoSuchBucket"):
            return []
        raise
    return grants.listed(policy["Statement"])


def rejected_rows(lab: Lab, key: str) -> list[dict[str, Any]]:
    """The rows of an upload that could not be read: line (counted from 1, the header), reason, row."""
    try:
        body = content(lab, rejected_key(key))
    except ClientError as error:
        if error_code(error) in ("NoSuchKey", "NoSuchBucket"):
            return []
        raise
    rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
    return [{**row, "line": int(row["line"])} for row in rows]


def _find_or_refuse(lab: Lab) -> str | None:
    """find_bucket; WrongResource where the name is there but not for us."""
    try:
        return find_bucket(lab)
    except ClientError as error:
        if error_code(error) == "403":
            raise _taken(lab) from None
        raise


def _taken(lab: Lab) -> WrongResource:
    return WrongResource(
        f"The bucket {lab.bucket} belongs to another account, or you may not see it; bucket names are unique in the "
        "world. Use a prefix, which becomes part of the name."
    )
