import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import buckets, policies
from lab_lib.errors import WrongResource


@pytest.fixture
def given_bucket(lab):
    """A bucket that was in the account before the lab."""
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    return lab.bucket


@pytest.fixture
def put(lab):
    return lambda key, body=b"x": lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=body)


@pytest.fixture
def must_be_safe(lab):
    """Private, encrypted, TLS only."""

    def must_be_safe():
        s3 = lab.client("s3")
        assert s3.get_public_access_block(Bucket=lab.bucket)["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
        rules = s3.get_bucket_encryption(Bucket=lab.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        policy = json.loads(s3.get_bucket_policy(Bucket=lab.bucket)["Policy"])
        assert policy == policies.tls_only_bucket(lab)

    return must_be_safe


def test_ensure_bucket_makes_a_tagged_private_encrypted_bucket(lab, must_be_safe):
    assert buckets.ensure_bucket(lab) == lab.bucket

    must_be_safe()
    assert lab.client("s3").get_bucket_tagging(Bucket=lab.bucket)["TagSet"] == [
        {"Key": "lab", "Value": "serverless-lab"}
    ]
    assert buckets.is_private(lab)


def test_ensure_bucket_in_another_region_puts_it_there(lab):
    there = dataclasses.replace(lab, region="eu-west-1", _clients={})

    buckets.ensure_bucket(there)

    location = there.client("s3").get_bucket_location(Bucket=there.bucket)
    assert location["LocationConstraint"] == "eu-west-1"


def test_ensure_bucket_twice_gives_the_same_bucket_and_keeps_its_objects(lab, put):
    buckets.ensure_bucket(lab)
    put("a.txt")

    assert buckets.ensure_bucket(lab) == lab.bucket
    assert [each["Key"] for each in buckets.objects(lab)] == ["a.txt"]


@pytest.mark.parametrize("call", ["delete_public_access_block", "delete_bucket_encryption", "delete_bucket_policy"])
def test_ensure_bucket_gives_back_what_was_taken_by_hand(lab, must_be_safe, call):
    buckets.ensure_bucket(lab)
    getattr(lab.client("s3"), call)(Bucket=lab.bucket)

    buckets.ensure_bucket(lab)

    must_be_safe()


def test_ensure_bucket_closes_a_bucket_that_was_opened_by_hand(lab, must_be_safe):
    buckets.ensure_bucket(lab)
    opened = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    lab.client("s3").put_public_access_block(Bucket=lab.bucket, PublicAccessBlockConfiguration=opened)
    assert not buckets.is_private(lab)

    buckets.ensure_bucket(lab)

    must_be_safe()


def test_ensure_bucket_adopts_a_given_bucket_and_changes_nothing(lab, given_bucket):
    assert buckets.ensure_bucket(lab) == given_bucket

    assert not buckets.is_private(lab)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        lab.client("s3").get_bucket_policy(Bucket=given_bucket)
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        lab.client("s3").get_bucket_tagging(Bucket=given_bucket)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_ensure_bucket_tags_the_bucket_in_the_very_call_that_makes_it(lab, calls, region):
    # Between two calls a run can be killed, and would then take its own bucket for a given one. moto passes over
    # these tags, so what counts is what it is asked.
    made = calls("s3", "create_bucket")

    buckets.ensure_bucket(dataclasses.replace(lab, region=region))

    (call,) = made
    assert call["CreateBucketConfiguration"]["Tags"] == [{"Key": "lab", "Value": "serverless-lab"}]


def test_ensure_bucket_finishes_a_bucket_that_was_left_half_made(lab, monkeypatch, must_be_safe):
    def killed(**_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lab.client("s3"), "put_public_access_block", killed)
        with pytest.raises(KeyboardInterrupt):
            buckets.ensure_bucket(lab)

    buckets.ensure_bucket(lab)

    must_be_safe()


def test_a_name_that_another_account_has_is_a_wrong_resource_with_what_to_do(lab, refuse):
    refuse("s3", "create_bucket", code="BucketAlreadyExists")

    with pytest.raises(WrongResource, match="Use a prefix"):
        buckets.ensure_bucket(lab)


def test_find_bucket_of_an_absent_bucket_is_none(lab):
    assert buckets.find_bucket(lab) is None
    assert buckets.is_ours(lab) is False
    assert buckets.is_private(lab) is False


def test_a_refusal_is_never_absence(lab, refuse):
    refuse("s3", "head_bucket", code="403")

    with pytest.raises(ClientError, match="403"):
        buckets.find_bucket(lab)
    with pytest.raises(WrongResource, match="belongs to another account"):
        buckets.ensure_bucket(lab)


def test_a_refusal_to_read_the_tags_is_never_a_given_bucket(lab, refuse):
    buckets.ensure_bucket(lab)
    refuse("s3", "get_bucket_tagging")

    with pytest.raises(ClientError, match="AccessDenied"):
        buckets.delete_bucket(lab)


def test_a_refusal_to_read_the_public_access_is_never_an_open_bucket(lab, refuse):
    buckets.ensure_bucket(lab)
    refuse("s3", "get_public_access_block")

    with pytest.raises(ClientError, match="AccessDenied"):
        buckets.is_private(lab)


def test_delete_bucket_deletes_it_with_all_versions_of_its_objects(lab, put):
    buckets.ensure_bucket(lab)
    lab.client("s3").put_bucket_versioning(Bucket=lab.bucket, VersioningConfiguration={"Status": "Enabled"})
    put("a.txt")
    put("a.txt")
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="a.txt")

    buckets.delete_bucket(lab)

    assert buckets.find_bucket(lab) is None


def test_delete_bucket_again_is_quiet(lab):
    buckets.ensure_bucket(lab)
    buckets.delete_bucket(lab)

    buckets.delete_bucket(lab)

    assert buckets.find_bucket(lab) is None


def test_delete_bucket_keeps_a_given_bucket_and_its_objects(lab, given_bucket, put):
    put("theirs.txt")

    buckets.delete_bucket(lab)

    assert [each["Key"] for each in buckets.objects(lab)] == ["theirs.txt"]


def test_upload_takes_the_files_name_as_its_key(lab, tmp_path):
    buckets.ensure_bucket(lab)
    (tmp_path / "my rows.txt").write_bytes(b"abc")

    assert buckets.upload(lab, tmp_path / "my rows.txt") == "my rows.txt"
    assert [(each["Key"], each["Size"]) for each in buckets.objects(lab)] == [("my rows.txt", 3)]


def test_upload_takes_another_key_if_it_is_given(lab, tmp_path):
    buckets.ensure_bucket(lab)
    (tmp_path / "a.txt").write_bytes(b"abc")

    assert buckets.upload(lab, str(tmp_path / "a.txt"), "year/b.txt") == "year/b.txt"
    assert [each["Key"] for each in buckets.objects(lab)] == ["year/b.txt"]


def test_objects_of_an_empty_bucket_are_none(lab):
    buckets.ensure_bucket(lab)

    assert buckets.objects(lab) == []


def test_objects_are_all_there_when_they_are_more_than_a_page(lab, put):
    buckets.ensure_bucket(lab)
    for number in range(1001):
        put(f"{number}.txt")

    assert len(buckets.objects(lab)) == 1001


def test_rejected_rows_have_line_reason_and_row(lab, put):
    buckets.ensure_bucket(lab)
    put("rejected/a.txt.csv", b'line,reason,row\r\n7,trn_id is empty,"C1|""x""|\r\n||"\r\n')

    assert buckets.rejected_rows(lab, "a.txt") == [{"line": 7, "reason": "trn_id is empty", "row": 'C1|"x"|\r\n||'}]


def test_rejected_rows_of_a_clean_upload_are_none(lab):
    buckets.ensure_bucket(lab)

    assert buckets.rejected_rows(lab, "a.txt") == []


def test_a_refusal_to_read_rejected_rows_goes_up(lab, refuse):
    buckets.ensure_bucket(lab)
    refuse("s3", "get_object")

    with pytest.raises(ClientError, match="AccessDenied"):
        buckets.rejected_rows(lab, "a.txt")


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("", ["c12-inputs3bucketfortransact-x", "inputs3bucketfortransact-1", "ana-inputs3bucketfortransact-2"]),
        ("Ana-", ["ana-inputs3bucketfortransact-2"]),
        ("Bob-", []),
    ],
)
def test_alike_are_the_buckets_with_the_handouts_part_and_the_labs_prefix(lab, prefix, wanted):
    for name in (
        "inputs3bucketfortransact-1",
        "ana-inputs3bucketfortransact-2",
        "c12-inputs3bucketfortransact-x",  # as a classroom names it
        "inputs3bucket",
        "another",
    ):
        lab.client("s3").create_bucket(Bucket=name)

    assert sorted(buckets.alike(dataclasses.replace(lab, prefix=prefix))) == sorted(wanted)


def test_alike_are_none_in_an_empty_account(lab):
    assert buckets.alike(lab) == []


def test_a_refusal_to_list_the_buckets_is_never_that_there_are_none(lab, refuse):
    refuse("s3", "list_buckets")

    with pytest.raises(ClientError, match="AccessDenied"):
        buckets.alike(lab)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-northeast-1"])
def test_region_is_where_the_bucket_is(lab, region):
    there = dataclasses.replace(lab, region=region, _clients={})
    buckets.ensure_bucket(there)

    assert buckets.region(there) == region


@pytest.mark.parametrize(
    ("location", "region"), [(None, "us-east-1"), ("EU", "eu-west-1"), ("eu-central-1", "eu-central-1")]
)
def test_region_has_its_usual_name_however_s3_calls_it(lab, monkeypatch, location, region):
    answer = {"LocationConstraint": location}
    monkeypatch.setattr(lab.client("s3"), "get_bucket_location", lambda **_: answer)

    assert buckets.region(lab) == region


def test_uploads_are_the_objects_without_the_rejected_rows_and_the_newest_is_the_last(lab, monkeypatch):
    ages = {"a.txt": 1, "b.txt": 3, "rejected/b.txt.csv": 0, "year/c.txt": 2, "rejected.txt": 4}
    now = datetime.now(UTC)
    found = [{"Key": key, "LastModified": now - timedelta(minutes=age)} for key, age in ages.items()]
    monkeypatch.setattr(buckets, "objects", lambda _: found)

    assert [each["Key"] for each in buckets.uploads(lab)] == ["rejected.txt", "b.txt", "year/c.txt", "a.txt"]


def test_uploads_are_read_from_the_bucket(lab, put):
    buckets.ensure_bucket(lab)
    put("rejected/a.txt.csv")
    put("a.txt", b"abc")

    assert [(each["Key"], each["Size"]) for each in buckets.uploads(lab)] == [("a.txt", 3)]


def test_uploads_to_an_absent_bucket_are_none(lab):
    assert buckets.uploads(lab) == []


@pytest.mark.parametrize("body", [b"", b"a|b\r\n", b"\xff\x00"])
def test_content_is_the_very_bytes_of_the_object(lab, put, body):
    buckets.ensure_bucket(lab)
    put("year/my rows.txt", body)

    assert buckets.content(lab, "year/my rows.txt") == body


def test_statements_are_those_of_the_buckets_policy(lab):
    buckets.ensure_bucket(lab)

    assert buckets.statements(lab) == policies.tls_only_bucket(lab)["Statement"]


def test_statements_of_a_bucket_without_a_policy_are_none(lab, given_bucket):
    assert buckets.statements(lab) == []


def test_statements_of_an_absent_bucket_are_none(lab):
    assert buckets.statements(lab) == []


def test_a_refusal_to_read_the_policy_is_never_that_there_is_none(lab, given_bucket, refuse):
    refuse("s3", "get_bucket_policy")

    with pytest.raises(ClientError, match="AccessDenied"):
        buckets.statements(lab)


def test_a_given_bucket_of_any_name_takes_uploads_and_is_never_deleted(lab, tmp_path):
    given = dataclasses.replace(lab, given_bucket="c12-inputs3bucketfortransact-x")
    lab.client("s3").create_bucket(Bucket=given.bucket)
    (tmp_path / "a.txt").write_bytes(b"abc")

    assert buckets.ensure_bucket(given) == "c12-inputs3bucketfortransact-x"
    buckets.upload(given, tmp_path / "a.txt")
    buckets.delete_bucket(given)

    assert [each["Key"] for each in buckets.uploads(given)] == ["a.txt"]
    assert buckets.find_bucket(lab) is None


def test_statements_may_be_a_single_one_without_its_brackets(lab):
    buckets.ensure_bucket(lab)
    (statement,) = policies.tls_only_bucket(lab)["Statement"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    lab.client("s3").put_bucket_policy(Bucket=lab.bucket, Policy=policy)

    assert buckets.statements(lab) == [statement]


def test_put_is_an_upload_of_bytes(lab):
    buckets.ensure_bucket(lab)

    buckets.put(lab, "a.txt", b"one")
    buckets.put(lab, "a.txt", b"two")

    assert buckets.content(lab, "a.txt") == b"two"
    assert lab.client("s3").head_object(Bucket=lab.bucket, Key="a.txt")["ContentType"] == "text/plain; charset=utf-8"


def test_delete_object_leaves_the_others_and_is_quiet_the_second_time(lab, put):
    buckets.ensure_bucket(lab)
    put("a.txt")
    put("b.txt")

    buckets.delete_object(lab, "a.txt")
    buckets.delete_object(lab, "a.txt")

    assert [each["Key"] for each in buckets.objects(lab)] == ["b.txt"]
