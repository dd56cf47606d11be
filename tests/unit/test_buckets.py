import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import buckets
from lab_lib.errors import LabError, WrongResource


@pytest.fixture
def bucket(lab):
    return buckets.ensure_bucket(lab)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_bucket_is_created_in_the_labs_region_and_tagged_by_the_same_call(lab, calls, region):
    regional, created = dataclasses.replace(lab, region=region), calls("s3", "create_bucket")

    buckets.ensure_bucket(regional)

    # A run that is killed after this call must recognise its own bucket. moto ignores the tags in it.
    assert {"Key": "lab", "Value": "serverless-lab"} in created[0]["CreateBucketConfiguration"]["Tags"]
    assert buckets.region(regional) == region


def opened(lab, **changes):
    """Return the lab as `open_lab` opens it on AWS in another process."""
    lab = dataclasses.replace(lab, _renamed=[], **changes)
    lab.choose_bucket()
    return lab


def test_a_bucket_whose_name_aws_has_not_forgotten_gets_an_end_and_is_found_again_by_its_tags(lab, monkeypatch):
    usual, create = lab.bucket, lab.client("s3").create_bucket

    def answer(Bucket, **parameters):
        if Bucket == usual:
            raise ClientError({"Error": {"Code": "OperationAborted"}}, "CreateBucket")
        return create(Bucket=Bucket, **parameters)

    monkeypatch.setattr(lab.client("s3"), "create_bucket", answer)
    lab.client("s3").create_bucket(Bucket=f"{usual}-0")  # of somebody else: it has no tags

    name = buckets.ensure_bucket(lab := opened(lab))

    assert (lab.bucket, name[: len(usual)], len(name)) == (name, usual, len(usual) + 7)
    assert opened(lab).bucket == name
    assert opened(lab, prefix="Ana-").bucket == f"ana-{usual}"
    buckets.delete_bucket(opened(lab))
    assert buckets.find_bucket(lab) is None


def test_a_name_that_another_account_has_is_a_wrong_resource_with_what_to_do(lab, refuse):
    refuse("s3", "create_bucket", code="BucketAlreadyExists")
    with pytest.raises(WrongResource, match="use a prefix"):
        buckets.ensure_bucket(lab)

    refuse("s3", "head_bucket", code="403")
    with pytest.raises(WrongResource, match=r"another account.* Name another"):
        buckets.ensure_bucket(dataclasses.replace(lab, bucket_name="theirs"))


def test_a_bucket_that_was_given_stays_even_with_the_labs_tag_and_is_never_created(lab, bucket):
    managed = dataclasses.replace(lab, bucket_name=bucket)
    buckets.delete_bucket(managed)
    assert (buckets.is_ours(managed), buckets.find_bucket(managed)) == (False, bucket)

    with pytest.raises(WrongResource, match=r"no bucket elsewhere\. Name one that exists"):
        buckets.ensure_bucket(dataclasses.replace(lab, bucket_name="elsewhere"))


def test_delete_bucket_deletes_every_version_of_its_objects(lab, bucket):
    lab.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    buckets.put(lab, "a.txt", b"one")
    buckets.put(lab, "a.txt", b"two")
    buckets.delete_object(lab, "a.txt")

    buckets.delete_bucket(lab)

    assert buckets.find_bucket(lab) is None


def test_uploads_are_the_objects_without_rejected_rows_folders_and_experiments_newest_last(lab, monkeypatch):
    ages = {"a.txt": 1, "b.txt": 3, "rejected/b.txt.csv": 0, "year/": 0, "year/c.txt": 2, "rejected.txt": 4}
    ages |= {"break-it/a.csv": 0, "rejected/break-it/a.csv.csv": 0, "in/lab-trial.txt": 0}
    now = datetime.now(UTC)
    objects = [{"Key": key, "LastModified": now - timedelta(minutes=age)} for key, age in ages.items()]
    monkeypatch.setattr(
        buckets, "objects", lambda _, beginning="": [item for item in objects if item["Key"].startswith(beginning)]
    )

    assert [upload["Key"] for upload in buckets.uploads(lab)] == ["rejected.txt", "b.txt", "year/c.txt", "a.txt"]
    assert buckets.experiments(lab) == ["break-it/a.csv", "rejected/break-it/a.csv.csv"]


def test_rejected_rows_have_line_reason_and_row_and_a_code_unless_an_older_function_wrote_them(lab, bucket):
    buckets.put(lab, "rejected/a.txt.csv", b'line,reason,row\r\n7,trn_id is empty,"C1|""x""|\r\n||"\r\n')
    buckets.put(lab, "rejected/b.txt.csv", b'line,reason,row,code,values\r\n7,no,x,fields-count,"{""found"": 1}"\r\n')

    (old,), (new,) = (buckets.rejected_rows(lab, key) for key in ("a.txt", "b.txt"))
    assert old == {"line": 7, "reason": "trn_id is empty", "row": 'C1|"x"|\r\n||', "code": "", "values": {}}
    assert new == {"line": 7, "reason": "no", "row": "x", "code": "fields-count", "values": {"found": 1}}
    for odd in (b"\xff\0", b"line,reason,row\nx,y,z\n", b"line\n1\n"):
        buckets.put(lab, "rejected/a.txt.csv", odd)
        assert buckets.rejected_rows(lab, "a.txt") == []


def test_an_object_that_would_fill_the_memory_is_not_read(lab, bucket, monkeypatch):
    monkeypatch.setattr(buckets, "MOST_READ", 2)
    buckets.put(lab, "a.txt", b"12")
    buckets.put(lab, "b.txt", b"123")

    assert buckets.content(lab, "a.txt") == b"12"
    with pytest.raises(LabError, match=r"b\.txt has 3 bytes, and at most 2 are read\. Split the file\."):
        buckets.content(lab, "b.txt")
