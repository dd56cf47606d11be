import dataclasses
from decimal import Decimal

import pytest
from moto import mock_aws
from moto.sts import sts_backends

from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError, WrongAccount
from lab_lib.lab import has_tag, open_lab

MOTOS = "123456789012"  # the account that moto's STS names for any credentials
OTHER = "111122223333"


@pytest.fixture
def lab_with(moto_lab):
    """The same lab with other settings; nothing is called."""
    return lambda **changes: dataclasses.replace(moto_lab, **changes)


@pytest.fixture
def embedded(monkeypatch):
    """An embedded AWS that is there already."""
    monkeypatch.setattr(server, "start", lambda: server.Server(pid=1, port=4567, secret="the secret of this start"))


@pytest.fixture
def profile(monkeypatch, tmp_path):
    """A profile of this machine, and an STS that knows whose it is."""
    credentials = tmp_path / "some-credentials"
    credentials.write_text("[class]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    with mock_aws():
        yield "class"


@pytest.fixture
def endpoint(monkeypatch):
    """An endpoint of AWS_ENDPOINT_URL whose STS answers."""
    with mock_aws():
        monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sts.us-east-1.amazonaws.com")
        yield "https://sts.us-east-1.amazonaws.com"


def test_names_without_a_prefix_are_the_handouts(lab_with):
    assert lab_with().name("CustomerNotify") == "CustomerNotify"
    assert lab_with().bucket == f"inputs3bucketfortransact-{MOTOS}-us-east-1"


def test_a_prefix_stands_before_every_name(lab_with):
    lab = lab_with(prefix="Ana-")

    assert lab.name("CustomerNotify") == "Ana-CustomerNotify"
    assert lab.bucket == f"ana-inputs3bucketfortransact-{MOTOS}-us-east-1"


def test_the_longest_prefix_leaves_a_bucket_name_that_s3_takes(lab_with):
    assert len(lab_with(prefix="A" * 11, region="ap-northeast-1").bucket) <= 63


def test_a_given_bucket_keeps_its_name_whatever_the_prefix(lab_with):
    lab = lab_with(given_bucket="c12-inputs3bucketfortransact-x", prefix="Ana-")

    assert lab.bucket == "c12-inputs3bucketfortransact-x"
    assert lab.name("Customer") == "Ana-Customer"


def test_a_given_bucket_is_another_lab_and_leaves_the_first_as_it_was(lab_with):
    lab = lab_with()

    given = dataclasses.replace(lab, given_bucket="theirs")

    assert given != lab
    assert lab.bucket == f"inputs3bucketfortransact-{MOTOS}-us-east-1"
    assert given.client("sqs") is lab.client("sqs")


@pytest.mark.parametrize(
    ("service", "resource", "arn"),
    [
        ("sqs", "Q", f"arn:aws:sqs:us-east-1:{MOTOS}:Q"),
        ("iam", "role/R", f"arn:aws:iam::{MOTOS}:role/R"),
        ("s3", "bucket/*", "arn:aws:s3:::bucket/*"),
        ("dynamodb", "table/T", f"arn:aws:dynamodb:us-east-1:{MOTOS}:table/T"),
    ],
)
def test_arns_carry_what_their_service_wants(lab_with, service, resource, arn):
    assert lab_with().arn(service, resource) == arn


def test_arns_in_china_carry_chinas_partition(embedded):
    lab = open_lab(region="cn-north-1")

    assert lab.arn("sqs", "Q") == "arn:aws-cn:sqs:cn-north-1:000000000000:Q"
    assert lab.arn("s3", "b") == "arn:aws-cn:s3:::b"


def test_a_lab_in_words_names_its_account_place_and_region(lab_with):
    assert str(lab_with(prefix="ana-")) == f"account {MOTOS} on moto, Region us-east-1, prefix ana-"


def test_neither_credentials_nor_addresses_are_shown(lab_with):
    shown = repr(lab_with(email="ana@example.com", phone="+15555550100"))

    assert "ana@example.com" not in shown
    assert "+15555550100" not in shown
    assert "session" not in shown


def test_a_client_is_made_once(lab_with):
    lab = lab_with()

    assert lab.client("sqs") is lab.client("sqs")


def test_only_a_lab_without_an_endpoint_is_real(lab_with):
    assert lab_with().is_real
    assert not lab_with(endpoint="http://127.0.0.1:4566").is_real


@pytest.mark.parametrize(
    ("tags", "ours"), [({"lab": "serverless-lab"}, True), ({"lab": "another"}, False), ({}, False)]
)
def test_only_our_very_tag_makes_a_thing_ours(tags, ours):
    assert has_tag(tags) is ours


def test_with_nothing_set_the_lab_runs_on_the_embedded_aws(embedded):
    lab = open_lab()

    assert (lab.account, lab.region, lab.partition) == ("000000000000", "us-east-1", "aws")
    assert lab.endpoint == "http://127.0.0.1:4567"
    assert lab.threshold == Decimal(1500)
    assert lab.given_bucket == ""
    assert not lab.is_real


def test_the_embedded_aws_takes_any_account_as_the_access_key_with_the_secret_of_this_start(embedded):
    credentials = open_lab(account=OTHER, region="eu-west-1").session.get_credentials()

    assert (credentials.access_key, credentials.secret_key) == (OTHER, "the secret of this start")


def test_a_profile_that_does_not_exist_does_not_matter_to_the_embedded_aws(embedded, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    lab = open_lab()

    assert lab.client("sqs").meta.endpoint_url == "http://127.0.0.1:4567"


def test_a_broken_configuration_of_the_user_does_not_matter_to_the_embedded_aws(embedded, monkeypatch, tmp_path):
    (tmp_path / "broken").write_text("[default]\nregion = mars-1\nendpoint_url = http://elsewhere.example\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "broken"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://elsewhere.example")

    assert open_lab().client("sqs").meta.endpoint_url == "http://127.0.0.1:4567"


@pytest.mark.parametrize("proxy", ["http_proxy", "HTTPS_PROXY"])
def test_a_proxy_does_not_stand_before_the_embedded_aws(embedded, monkeypatch, proxy):
    monkeypatch.setenv(proxy, "http://proxy.example:3128")

    assert open_lab().client("sqs").meta.config.proxies == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "123"},
        {"account": "12345678901a"},
        {"account": 123456789012},
        {"account": "١٢٣٤٥٦٧٨٩٠١٢"},  # digits, but none that AWS knows
        {"account": "123456789012\n"},
        {"prefix": "1st"},
        {"prefix": "a-prefix-too-long"},
        {"prefix": "ana_"},
        {"prefix": 5},
        {"threshold": "a lot"},
        {"threshold": "NaN"},
        {"threshold": "Infinity"},
        {"threshold": None},
        {"email": "ana"},
        {"email": "ana@example.com, bob@example.com"},
        {"email": 'a"na@example.com'},
        {"email": "jürgen@example.com"},
        {"phone": "5555550100"},
        {"phone": "+0"},
        {"region": "nowhere"},
        {"region": "us-east-1 "},
    ],
    ids=repr,
)
def test_a_wrong_setting_is_refused_in_one_line_before_anything_starts(wrong, monkeypatch):
    monkeypatch.setattr(server, "start", lambda *_: pytest.fail("it was started"))

    with pytest.raises(UsageError) as caught:
        open_lab(**wrong)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    assert repr(next(iter(wrong.values()))) in str(caught.value)


@pytest.mark.parametrize(
    "right",
    [
        {"account": OTHER},
        {"prefix": "Ana-1-"},
        {"threshold": "99.50"},
        {"threshold": 1},
        {"threshold": Decimal("0.01")},
        {"email": "ana@example.com"},
        {"email": "o'hara+lab_1@mail.example.com"},
        {"phone": "+15555550100"},
        {"region": "eu-west-1"},
    ],
    ids=repr,
)
def test_a_right_setting_is_kept(embedded, right):
    name, value = next(iter(right.items()))

    lab = open_lab(**right)

    assert getattr(lab, name) == (Decimal(str(value)) if name == "threshold" else value)


def test_a_threshold_in_floating_point_keeps_the_digits_that_were_written(embedded):
    assert open_lab(threshold=0.1).threshold == Decimal("0.1")


def test_a_profile_without_an_account_is_refused(profile):
    with pytest.raises(UsageError, match="no account is named"):
        open_lab(profile=profile)


def test_a_profile_of_the_named_account_opens_aws(profile):
    lab = open_lab(account=MOTOS, profile=profile)

    assert lab.is_real
    assert (lab.account, lab.target) == (MOTOS, "AWS")


def test_a_profile_of_another_account_is_refused(profile):
    with pytest.raises(WrongAccount) as caught:
        open_lab(account=OTHER, profile=profile)

    assert MOTOS in str(caught.value)
    assert OTHER in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_role_is_assumed_with_the_profiles_credentials_and_its_external_id(profile):
    role = f"arn:aws:iam::{OTHER}:role/Grader"

    lab = open_lab(account=OTHER, profile=profile, role_arn=role, external_id="class-7")

    (assumed,) = sts_backends[OTHER]["aws"].assumed_roles
    assert (assumed.arn.split(":")[4], assumed.external_id) == (OTHER, "class-7")
    assert (lab.account, lab.is_real) == (OTHER, True)


def test_a_profile_that_does_not_exist_is_a_wrong_request(profile):
    with pytest.raises(UsageError, match="nobody") as caught:
        open_lab(account=MOTOS, profile="nobody")

    assert "aws configure list-profiles" in str(caught.value)


def test_a_profile_without_credentials_is_one_line(profile, monkeypatch, tmp_path):
    (tmp_path / "a-config").write_text("[profile empty]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "a-config"))

    with pytest.raises(LabError, match="Profile empty has no credentials") as caught:
        open_lab(account=MOTOS, profile="empty")

    assert "\n" not in str(caught.value)


def test_an_endpoint_is_asked_whose_credentials_they_are(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    lab = open_lab()

    assert (lab.account, lab.endpoint, lab.is_real) == (MOTOS, endpoint, False)


@pytest.mark.parametrize("account", ["", MOTOS])
def test_an_endpoint_takes_its_secret_from_the_environment(endpoint, monkeypatch, account):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", MOTOS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of this start")

    assert open_lab(account=account).session.get_credentials().secret_key == "of this start"


def test_an_endpoint_that_names_another_account_is_refused(endpoint):
    with pytest.raises(WrongAccount):
        open_lab(account=OTHER)


def test_a_profile_that_does_not_exist_does_not_matter_to_an_endpoint_with_a_named_account(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    assert open_lab(account=MOTOS).account == MOTOS


def test_a_profile_that_does_not_exist_is_one_line_at_an_endpoint(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(LabError, match="nobody") as caught:
        open_lab()

    assert "\n" not in str(caught.value)


def test_what_lab_open_was_told_counts_where_a_notebook_leaves_it_empty(endpoint, monkeypatch):
    monkeypatch.setenv("LAB_ACCOUNT", MOTOS)
    monkeypatch.setenv("LAB_REGION", "eu-west-1")
    monkeypatch.setenv("LAB_PREFIX", "Ana-")

    lab = open_lab()

    assert (lab.account, lab.region, lab.prefix) == (MOTOS, "eu-west-1", "Ana-")
    assert open_lab(region="us-west-2", prefix="Bo-").region == "us-west-2"


def test_a_profile_that_lab_open_was_told_still_wants_its_account_named(monkeypatch):
    monkeypatch.setenv("LAB_PROFILE", "prod")

    with pytest.raises(UsageError, match="no account is named"):
        open_lab()
