"""Create, read and delete the S3 bucket for the transactions files, and its objects."""

import csv
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import ClientError

from lab_lib.aws import grants, policies
from lab_lib.aws.json_text import count, json_object
from lab_lib.errors import LabError, WrongResource, error_code, none_if_absent, none_if_lacking
from lab_lib.handlers.transaction_processor.transactions_file import REJECTED, rejected_key
from lab_lib.lab import BUCKET_NAME, TAG, Lab, only_ours
from lab_lib.settings import DEFAULT_REGION

_PRIVATE = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
_TEXT = "text/plain; charset=utf-8"
MOST = 10_000  # objects of a bucket that are listed
MOST_READ = 200_000_000  # bytes of an object; a file of a million rows has about 70 million
EXPERIMENTS = "break-it/"  # how the keys of what runs beside the lab begin, in notebooks 01 and 06
TRIAL = "lab-trial"  # in the key of the file that shows whether an upload starts the function


def ensure_bucket(lab: Lab) -> str:
    """Create the bucket or repair its settings: private, encrypted, TLS only. Return its name.

    A bucket that was given, or is without the lab's tag, is adopted as it is. WrongResource if the one that was given
    is not there, or if another account has the name.
    """
    s3 = lab.client("s3")
    try:
        is_there = find_bucket(lab)
        if lab.bucket_name and not is_there:
            raise WrongResource(
                "There is no bucket {lab.bucket}. Name one that exists, or leave the setting bucket empty.", lab=lab
            )
        if is_there and not is_ours(lab):
            return lab.bucket
        if not is_there:
            _create_bucket(lab)
    except ClientError as error:
        if error_code(error) not in ("403", "BucketAlreadyExists"):
            raise
        raise WrongResource(
            "The bucket {lab.bucket} belongs to another account, or you may not see it. Bucket names are unique in the "
            "world. Name another with the setting bucket, or use a prefix, which becomes part of the name.",
            lab=lab,
        ) from None
    s3.put_public_access_block(Bucket=lab.bucket, PublicAccessBlockConfiguration=_PRIVATE)
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=lab.bucket, ServerSideEncryptionConfiguration=encryption)
    s3.put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps(policies.tls_only_bucket(lab)))
    return lab.bucket


def _create_bucket(lab: Lab) -> None:
    """Create the bucket, under another name if AWS still holds its own, which was deleted."""
    s3 = lab.client("s3")
    settings: dict[str, Any] = {"Tags": lab.bucket_tags}  # a run that is killed now must recognise its own bucket
    if lab.region != DEFAULT_REGION:
        settings["LocationConstraint"] = lab.region
    try:
        s3.create_bucket(Bucket=lab.bucket, CreateBucketConfiguration=settings)
    except ClientError as error:
        if error_code(error) != "OperationAborted":
            raise
        lab.rename_bucket()
        s3.create_bucket(Bucket=lab.bucket, CreateBucketConfiguration=settings)
    s3.put_bucket_tagging(Bucket=lab.bucket, Tagging={"TagSet": lab.bucket_tags})  # emulators may ignore the others


def find_bucket(lab: Lab) -> str | None:
    """Return the bucket's name, or None if the account has no such bucket."""
    there = none_if_absent(lambda: lab.client("s3").head_bucket(Bucket=lab.bucket, ExpectedBucketOwner=lab.account))
    return lab.bucket if there else None


def candidates(lab: Lab) -> list[str]:
    """Return the account's buckets whose names start with the prefix and contain the handout's part."""
    names = [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]
    return [name for name in names if BUCKET_NAME in name and name.startswith(lab.prefix.lower())]


def region(lab: Lab) -> str:
    """Return the Region that the bucket is in."""
    where = lab.client("s3").get_bucket_location(Bucket=lab.bucket)["LocationConstraint"]
    return str(where or DEFAULT_REGION)  # which S3 does not name


def is_ours(lab: Lab) -> bool:
    """Return True if the bucket exists and has the lab's tag. A bucket that was given is never the lab's."""
    if lab.bucket_name:
        return False
    tags = none_if_absent(lambda: lab.client("s3").get_bucket_tagging(Bucket=lab.bucket)["TagSet"])
    return TAG in (tags or [])


@only_ours(is_ours)
def delete_bucket(lab: Lab) -> None:
    """Delete the bucket and every version of its objects, if the lab created it."""
    s3 = lab.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=lab.bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        if keys:
            s3.delete_objects(Bucket=lab.bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=lab.bucket)


def upload(lab: Lab, path: str | Path, key: str = "") -> str:
    """Upload a file and return its key, by default the file's name."""
    key = key or Path(path).name
    lab.client("s3").upload_file(str(path), lab.bucket, key, ExtraArgs={"ContentType": _TEXT})
    return key


def put(lab: Lab, key: str, content: bytes) -> None:
    """Create an object with this content, as an upload does."""
    lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=content, ContentType=_TEXT)


def creation(lab: Lab, key: str) -> dict[str, Any]:
    """Return the event that S3 sends when an object was created, which is now."""
    # S3 sends a blank of the key as "+", and all but letters, digits and a few signs as %XX.
    created = {"key": quote_plus(key, safe="/"), "sequencer": f"{time.time_ns():016X}"}
    upload = {"bucket": {"name": lab.bucket}, "object": created}
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    return {"Records": [{"eventName": "ObjectCreated:Put", "eventTime": now, "s3": upload}]}


def delete_object(lab: Lab, key: str) -> None:
    """Delete an object; quiet if it is already gone."""
    lab.client("s3").delete_object(Bucket=lab.bucket, Key=key)


def is_private(lab: Lab) -> bool:
    """Return True if all four kinds of public access are blocked."""
    answer = none_if_absent(lambda: lab.client("s3").get_public_access_block(Bucket=lab.bucket))
    blocked = (answer or {}).get("PublicAccessBlockConfiguration", {})
    return all(blocked.get(kind) for kind in _PRIVATE)


def objects(lab: Lab, beginning: str = "") -> list[dict[str, Any]]:
    """Return the bucket's objects whose keys start so, as S3 lists them: Key, Size (bytes), LastModified …

    LabError if there are more than `MOST`: S3 lists them by key, so that the newest may be the last.
    """
    paginator = lab.client("s3").get_paginator("list_objects_v2")
    pages = paginator.paginate(Bucket=lab.bucket, Prefix=beginning, PaginationConfig={"MaxItems": MOST + 1})
    answer = none_if_absent(pages.build_full_result) or {}
    items: list[dict[str, Any]] = answer.get("Contents", [])
    if len(items) > MOST:
        raise LabError(
            "{lab.bucket} has more than {most:,} objects. Delete those that the lab does not need.",
            lab=lab,
            most=MOST,
        )
    return items


def uploads(lab: Lab) -> list[dict[str, Any]]:
    """Return the uploaded objects, newest last, without rejected rows, the lab's own, and the console's folders."""
    uploaded = []
    for item in objects(lab, EXPERIMENTS if lab.part else ""):
        key = item["Key"]
        is_beside = not lab.part and key.startswith(EXPERIMENTS)
        is_of_the_lab = key.startswith(REJECTED) or TRIAL in key
        is_folder = key.endswith("/")
        if not (is_beside or is_of_the_lab or is_folder):
            uploaded.append(item)
    return sorted(uploaded, key=lambda item: item["LastModified"])


def experiments(lab: Lab) -> list[str]:
    """Return the keys of the uploads beside the lab, and of what was rejected of them."""
    keys = []
    for folder in (EXPERIMENTS, f"{REJECTED}{EXPERIMENTS}"):
        for item in objects(lab, folder):
            keys.append(str(item["Key"]))
    return keys


def delete_experiments(lab: Lab) -> bool:
    """Delete the uploads beside the lab, and what was rejected of them: True if there were any."""
    keys = experiments(lab)
    for key in keys:
        delete_object(lab, key)
    return bool(keys)


def content(lab: Lab, key: str) -> bytes:
    """Return the content of an object. LabError if it is too large to be read into memory."""
    answer = lab.client("s3").get_object(Bucket=lab.bucket, Key=key)
    if answer["ContentLength"] > MOST_READ:
        raise LabError(
            "{key} has {bytes:,} bytes, and at most {most:,} are read. Split the file.",
            key=key,
            bytes=answer["ContentLength"],
            most=MOST_READ,
        )
    return bytes(answer["Body"].read())


def statements(lab: Lab) -> list[policies.Policy]:
    """Return the statements of the bucket's policy."""
    s3 = lab.client("s3")
    policy = none_if_absent(lambda: s3.get_bucket_policy(Bucket=lab.bucket)["Policy"])
    return grants.statements(policy)


def expiring(lab: Lab) -> list[dict[str, Any]]:
    """Return the rules of the bucket's lifecycle by which S3 deletes objects."""
    s3 = lab.client("s3")
    answer = none_if_lacking(lambda: s3.get_bucket_lifecycle_configuration(Bucket=lab.bucket)) or {}
    rules = []
    for rule in answer.get("Rules", []):
        expiration = rule.get("Expiration", {})
        deletes_objects = "Days" in expiration or "Date" in expiration
        if rule["Status"] == "Enabled" and deletes_objects:
            rules.append(rule)
    return rules


def acl(lab: Lab) -> list[tuple[str, str]]:
    """Return whom else the bucket's access control list lets do what: a group such as AllUsers, or an account's id."""
    answer = none_if_lacking(lambda: lab.client("s3").get_bucket_acl(Bucket=lab.bucket)) or {}
    others = []
    for grant in answer.get("Grants", []):
        grantee = grant["Grantee"]
        address = grantee.get("URI") or grantee.get("ID", "")  # of a group; of an account
        name = str(address).split("/")[-1]
        if name not in (answer["Owner"]["ID"], "LogDelivery"):
            others.append((name, grant["Permission"]))
    return others


def rejected_rows(lab: Lab, key: str) -> list[dict[str, Any]]:
    """Return the rejected rows of an upload: line (the header is line 1), reason, row, code and values of the reason.

    A function of an earlier release wrote no codes. Other lines are left out, since anybody may put an object there.
    """
    body = none_if_absent(lambda: content(lab, rejected_key(key))) or b""
    text = body.decode(errors="replace")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error:
        return []
    numbered = []
    for row in rows:
        line = count(row.get("line"))
        if line is not None and {"reason", "row"} <= row.keys():
            code = row.get("code") or ""
            values = json_object(row.get("values"))
            numbered.append({**row, "line": line, "code": code, "values": values})
    return numbered
