import dataclasses
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from botocore import handlers
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.sts import sts_backends

from lab_lib import language
from lab_lib.calls import sessions
from lab_lib.classroom.roster import Student
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError, WrongAccount
from lab_lib.lab import lab_on, open_lab
from tests.lab.denying import Body
from tests.shown import english

MOTOS = "123456789012"  # the account that moto's STS names for all credentials
OTHER = "111122223333"
AWS_ADDRESS = "https://sts.us-east-1.amazonaws.com"  # which moto answers


@pytest.fixture
def embedded(monkeypatch):
    """Let an embedded AWS be running."""
    monkeypatch.setattr(server, "start", lambda: server.Server(pid=1, port=4567, secret="the secret of this start"))


@pytest.fixture
def profile(profile):
    """Yield a profile, and an STS that knows its account."""
    with mock_aws():
        yield profile


@pytest.fixture
def endpoint(monkeypatch):
    """Yield an endpoint in AWS_ENDPOINT_URL whose STS answers."""
    with mock_aws():
        monkeypatch.setenv("AWS_ENDPOINT_URL", AWS_ADDRESS)
        yield AWS_ADDRESS


def refusal(error=UsageError, **settings):
    """Return the one line in which `open_lab` refuses these settings."""
    with pytest.raises(error) as caught:
        open_lab(**settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_names_are_the_handouts_after_the_prefix(moto_lab):
    lab = dataclasses.replace(moto_lab, prefix="Ana-Maria-7", region="ap-northeast-1")

    assert (moto_lab.name("Customer"), lab.name("Customer")) == ("Customer", "Ana-Maria-7Customer")
    assert moto_lab.bucket == f"inputs3bucketfortransact-{MOTOS}-us-east-1"
    assert lab.bucket == f"ana-maria-7inputs3bucketfortransact-{MOTOS}-ap-northeast-1"
    assert len(lab.bucket) <= 63  # S3's limit, here with the longest prefix
    assert dataclasses.replace(lab, bucket_name="theirs").bucket == "theirs"
    arns = [moto_lab.arn(service, "x") for service in ("sqs", "iam", "s3")]
    assert arns == [f"arn:aws:sqs:us-east-1:{MOTOS}:x", f"arn:aws:iam::{MOTOS}:x", "arn:aws:s3:::x"]
    assert "ana@example.com" not in repr(dataclasses.replace(lab, email="ana@example.com"))
    assert str(lab) == f"account {MOTOS} on moto, Region ap-northeast-1, prefix Ana-Maria-7"


def test_only_the_embedded_aws_says_what_there_is_to_do(moto_lab, web_server):
    assert moto_lab.work() is None
    assert lab_on(web_server(b"<html>"), "secret", OTHER).work() is None


@pytest.mark.parametrize("account", ["", OTHER])
def test_without_settings_the_lab_runs_on_the_embedded_aws_as_any_account(embedded, monkeypatch, account):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")

    lab = open_lab(account=account, region="cn-north-1")

    credentials = lab.session.get_credentials()
    assert lab.account == credentials.access_key == (account or "000000000000")
    assert credentials.secret_key == "the secret of this start"
    assert (lab.endpoint, lab.is_real, lab.bucket_name) == ("http://127.0.0.1:4567", False, "")
    assert (lab.patience, lab.journal) == (0, None)  # the embedded AWS is never late
    assert lab.arn("s3", "b") == "arn:aws-cn:s3:::b"
    assert lab.client("sqs") is lab.client("sqs")
    assert lab.client("sqs").meta.config.proxies == {}


@pytest.mark.parametrize("name", ["config", "credentials"])
def test_a_broken_aws_file_is_named_where_a_profile_is_wanted(tmp_path, name):
    (tmp_path / name).write_text("no section\n")

    assert f"{tmp_path / name}: it is not an AWS configuration file" in refusal(account=MOTOS, profile="class")


WRONG = {
    "account": ["12345678901a", 123456789012, "١٢٣٤٥٦٧٨٩٠١٢"],
    "prefix": ["1st", "a-prefix-too-long"],
    "threshold": ["9" * 16, "-1", 0, "0.00", "1_500", None],
    "email": ["ana@example.com, bob@example.com", 'a"na@example.com'],
    "phone": ["5555550100"],
    "region": ["nowhere"],
    "processor_role": ["Lab Role", f"arn:aws:iam::{OTHER}:role/LabRole", "arn:aws-cn:iam::000000000000:role/R"],
    "notifier_role": ["arn:aws:iam::000000000000:policy/LabRole"],
    "bucket": ["My-bucket", "b"],
    "boundary": ["the limits", f"arn:aws:iam::{OTHER}:policy/Limits"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_is_refused_in_one_line_before_anything_starts(monkeypatch, name, value):
    monkeypatch.setattr(server, "start", lambda *_: pytest.fail("it was started"))

    assert repr(value) in refusal(**{name: value})
    monkeypatch.setenv(language.VARIABLE, "zh_CN")
    assert english(refusal(**{name: value}).replace(repr(value), "")) == []


@pytest.mark.parametrize("threshold", [0.1, "99.50", Decimal("1234567890123.45")])
def test_right_settings_are_kept_and_roles_and_the_boundary_are_arns(embedded, threshold):
    role = f"arn:aws-cn:iam::{OTHER}:role/class/LabRole"
    kept = {"prefix": "Ana-1-", "threshold": threshold, "email": "o'hara+lab_1@mail.example.com"}
    given = {"processor_role": role, "notifier_role": "LabRole", "bucket": "b.1", "boundary": "Max"}

    lab = open_lab(OTHER, region="cn-north-1", **kept, **given)

    assert (lab.prefix, lab.threshold, lab.email) == ("Ana-1-", Decimal(str(threshold)), kept["email"])
    assert (lab.processor_role, lab.notifier_role) == (role, f"arn:aws-cn:iam::{OTHER}:role/LabRole")
    assert (lab.bucket, lab.boundary) == ("b.1", f"arn:aws-cn:iam::{OTHER}:policy/Max")
    assert open_lab(phone="+15555550100").phone == "+15555550100"


def test_an_sms_is_refused_where_sns_sends_none(embedded):
    message = refusal(region="cn-north-1", phone="+15555550100")

    assert "'+15555550100'; SNS sends no SMS in the China Regions" in message


@pytest.mark.parametrize("wrong", ["localhost:4566", "http://", "http://a:b", "http://[::1"])
def test_a_wrong_endpoint_is_refused_in_one_line(monkeypatch, wrong):
    monkeypatch.setenv("AWS_ENDPOINT_URL", wrong)

    assert refusal().startswith(f"AWS_ENDPOINT_URL is {wrong!r}; wanted an address such as http://127.0.0.1:4566 or")


@pytest.mark.parametrize("body", [None, b"", b"<html><p>hello"])
def test_an_endpoint_that_does_not_answer_or_is_not_aws_is_named_in_one_line(monkeypatch, web_server, body):
    address = "http://127.0.0.1:1/path" if body is None else web_server(body)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)

    why = "does not answer. If AWS_ENDPOINT_URL" if body is None else "is not an AWS endpoint"
    assert refusal(LabError).startswith(f"{address} {why}")


def test_the_endpoint_of_a_profile_is_no_aws_needs_no_account_and_has_the_profiles_region(
    profile, tmp_path, monkeypatch
):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (tmp_path / "config").write_text(f"[profile {profile}]\nregion = eu-west-1\nendpoint_url = {AWS_ADDRESS}\n")

    lab = open_lab(profile=profile)

    assert (lab.account, lab.endpoint, lab.region) == (MOTOS, AWS_ADDRESS, "eu-west-1")
    assert (lab.is_real, lab.patience, lab.longest(600)) == (False, 0, 20)
    assert open_lab(profile=profile, region="us-west-2").region == "us-west-2"
    refusal(WrongAccount, account=OTHER, profile=profile)


def test_an_endpoint_gets_the_users_credentials_or_else_the_digits_of_the_account(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of this start")
    monkeypatch.setattr(sessions, "caller", lambda session, _: accounts[session.get_credentials().access_key])

    accounts = {"AKIAEXAMPLE": MOTOS, MOTOS: MOTOS, OTHER: OTHER}
    for account, key in (("", "AKIAEXAMPLE"), (MOTOS, "AKIAEXAMPLE"), (OTHER, OTHER)):
        lab = open_lab(account=account)
        assert (lab.account, lab.endpoint, lab.is_real) == (account or MOTOS, endpoint, False)
        assert lab.session.get_credentials().access_key == key
    assert open_lab().session.get_credentials().secret_key == "of this start"
    accounts[OTHER] = MOTOS  # such as where there is one account
    refusal(WrongAccount, account=OTHER)


def test_settings_of_lab_open_count_where_a_notebook_leaves_them_empty(endpoint, monkeypatch):
    variables = {"ACCOUNT": MOTOS, "REGION": "eu-west-1", "PREFIX": "Ana-", "BUCKET": "theirs", "BOUNDARY": "Max"}
    for name, value in {**variables, "PROCESSOR_ROLE": "LabRole"}.items():
        monkeypatch.setenv(f"LAB_{name}", value)

    lab = open_lab()

    assert (lab.account, lab.region, lab.prefix) == (MOTOS, "eu-west-1", "Ana-")
    assert (lab.bucket, lab.boundary[-10:], lab.processor_role[-12:]) == ("theirs", "policy/Max", "role/LabRole")
    assert open_lab(region="us-west-2").region == "us-west-2"


@pytest.mark.parametrize("how", [{"profile": "class"}, {"role_arn": f"arn:aws:iam::{OTHER}:role/Grader"}])
def test_aws_is_refused_unless_the_account_is_named(profile, how):
    assert "no account is named" in refusal(**how)


def test_a_profile_opens_aws_only_in_its_own_account(profile):
    lab = open_lab(account=MOTOS, profile=profile)

    assert (lab.account, lab.target, lab.is_real) == (MOTOS, "AWS", True)
    journal = dataclasses.replace(lab, prefix="b-").journal  # one for all labs of the account
    assert (lab.patience, lab.journal) == (60, journal)
    assert f"are for account {MOTOS}; this lab wants {OTHER}" in refusal(WrongAccount, account=OTHER, profile=profile)


def test_a_student_of_a_rosters_role_is_opened_with_its_external_id_in_the_account_that_is_named(profile):
    role = f"arn:aws:iam::{OTHER}:role/Grader"

    lab = Student("Ana", OTHER, profile=profile, role_arn=role, external_id="class-7").open_lab()

    (assumed,) = sts_backends[OTHER]["aws"].assumed_roles
    assert (assumed.arn.split(":")[4], assumed.external_id) == (OTHER, "class-7")
    assert (lab.account, lab.is_real) == (OTHER, True)
    assert lab.session.get_credentials().refresh_needed(refresh_in=3_700)  # so that a class can last for hours
    refusal(WrongAccount, account=MOTOS, profile=profile, role_arn=role)


@pytest.fixture
def refusing(profile, monkeypatch):
    """refusing(code, hosts): STS answers with this error where a host has one of these names in it."""

    def refusing(code, hosts, message="The security token included in the request is invalid."):
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"

        def refuse(request, **_):
            is_refused = any(host in urlsplit(request.url).hostname for host in hosts)
            return AWSResponse(request.url, 403, {}, Body(body.encode())) if is_refused else None

        monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", [*handlers.BUILTIN_HANDLERS, ("before-send.sts", refuse)])

    return refusing


@pytest.mark.parametrize(
    ("region", "hosts", "told"),
    [
        ("ap-east-1", ["ap-east-1"], f"The Region ap-east-1 does not accept these credentials of account {MOTOS}, and"),
        ("eu-west-1", ["eu-west-1", "us-east-1"], f"of account {MOTOS}, and cn-northwest-1 does"),
        ("cn-north-1", ["cn-north"], f"of account {MOTOS}, and us-east-1 does"),
        ("ap-east-1", ["sts"], "AWS does not accept the credentials of profile class. Sign in again"),
    ],
)
def test_credentials_that_do_not_open_a_region_are_told_from_wrong_ones(profile, refusing, region, hosts, told):
    refusing("InvalidClientTokenId", hosts)

    assert told in refusal(LabError, account=MOTOS, profile=profile, region=region)


def test_a_role_that_cannot_be_assumed_says_what_denies_it(profile, refusing):
    refusing("AccessDenied", ["sts"], "You are not authorized because no role trust policy allows the sts:AssumeRole")
    role = f"arn:aws:iam::{OTHER}:role/Grader"

    message = refusal(LabError, account=OTHER, profile=profile, role_arn=role)

    assert message.startswith(f"Cannot assume {role}. AssumeRole is denied: no role trust policy allows it. Ask the")


@pytest.mark.parametrize(
    ("name", "message"), [("nobody", "aws configure list-profiles"), ("empty", "aws sso login --profile empty")]
)
def test_a_profile_that_is_missing_or_has_no_credentials_is_one_line(profile, tmp_path, name, message):
    (tmp_path / "config").write_text("[profile empty]\nregion = us-east-1\n")

    shown = refusal(account=MOTOS, profile=name)

    assert name in shown
    assert message in shown
