"""Where the lab runs and what things are called there. `open_lab()` is the only way in, and makes the only session."""

import functools
import os
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.embedded import server
from lab_lib.errors import EmulatorError, LabError, UsageError, WrongAccount

TAG_KEY, TAG_VALUE = "lab", "serverless-lab"
TAGS = {TAG_KEY: TAG_VALUE}
TAG = {"Key": TAG_KEY, "Value": TAG_VALUE}  # the same, as S3, IAM, DynamoDB and SNS want it
BUCKET_NAME = "inputs3bucketfortransact"  # the part of it that the handout fixes
DEFAULT_REGION = "us-east-1"
DEFAULT_THRESHOLD = Decimal(1500)


@dataclass(frozen=True)
class Lab:
    """One account and Region, the names that the lab's things have there, and the settings of its run."""

    session: boto3.Session = field(repr=False)
    target: str  # "the embedded AWS", "the endpoint …" or "AWS": for people to read
    account: str
    region: str
    partition: str
    endpoint: str | None = field(default=None, repr=False)
    prefix: str = ""
    threshold: Decimal = DEFAULT_THRESHOLD
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    given_bucket: str = field(default="", repr=False)  # the bucket's name, where a classroom made it beforehand
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, such as "s3"; made once, since making one takes longer than a call."""
        if service not in self._clients:
            config = _config(self.endpoint)
            self._clients[service] = self.session.client(service, endpoint_url=self.endpoint, config=config)
        return self._clients[service]

    def name(self, name: str) -> str:
        """The handout's name, with this account's prefix before it."""
        return f"{self.prefix}{name}"

    @property
    def bucket(self) -> str:
        """The bucket's name; bucket names are lower case, and unique in the whole world."""
        return self.given_bucket or f"{self.prefix}{BUCKET_NAME}-{self.account}-{self.region}".lower()

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this account; IAM's and S3's carry no Region, S3's no account either."""
        region = "" if service in ("iam", "s3") else self.region
        account = "" if service == "s3" else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    @property
    def is_real(self) -> bool:
        """True on AWS itself, where things cost money and deleting them asks first."""
        return self.endpoint is None

    def __str__(self) -> str:
        prefix = f", prefix {self.prefix}" if self.prefix else ""
        return f"account {self.account} on {self.target}, Region {self.region}{prefix}"


def open_lab(
    account: str = "",
    profile: str = "",
    region: str = "",
    prefix: str = "",
    threshold: Decimal | float | str = DEFAULT_THRESHOLD,
    email: str = "",
    phone: str = "",
    role_arn: str = "",
    external_id: str = "",
) -> Lab:
    """Open the lab in an account, and start the embedded AWS if that is where it runs.

    What is left empty is taken from LAB_ACCOUNT, LAB_PROFILE, LAB_REGION, LAB_PREFIX, LAB_ROLE_ARN and LAB_EXTERNAL_ID,
    which `lab open` and `lab class` set. A `profile` means AWS itself, and so does a role, which is assumed with the
    profile's credentials or those that the environment has; then `account` must be named. Without them,
    AWS_ENDPOINT_URL names any other endpoint; with neither, the lab runs on the embedded AWS, where any twelve digits
    are an account.
    UsageError for a setting that cannot be right; WrongAccount if the credentials are for another account.
    """
    account, profile = account or os.environ.get("LAB_ACCOUNT", ""), profile or os.environ.get("LAB_PROFILE", "")
    region, prefix = region or os.environ.get("LAB_REGION", ""), prefix or os.environ.get("LAB_PREFIX", "")
    role_arn = role_arn or os.environ.get("LAB_ROLE_ARN", "")
    external_id = external_id or os.environ.get("LAB_EXTERNAL_ID", "")
    given = {"prefix": prefix, "threshold": threshold, "email": email, "phone": phone}
    settings = {name: setting(name, value) for name, value in given.items()}
    setting("account", account)
    settings |= {"region": region or DEFAULT_REGION, "partition": partition(region or DEFAULT_REGION)}
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if role_arn:
        return _in_role(account, profile, role_arn, external_id, endpoint, settings)
    if profile:
        return _on_aws(account, profile, endpoint, settings)
    return _on_endpoint(account, endpoint, settings) if endpoint else _on_embedded(account, settings)


def setting(name: str, value: Any) -> Any:
    """A setting of `open_lab` in the form that the lab keeps; UsageError if it cannot be right. Empty is right."""
    if name == "threshold":
        return _amount(value)
    if name == "region":
        partition(value or DEFAULT_REGION)
        return value
    pattern, wanted = _SETTINGS[name]
    return _matching(value, f"({pattern})?", name, wanted)


@functools.cache
def partition(region: str) -> str:
    """The Region's partition, such as aws or aws-cn; UsageError if there is no such Region."""
    session = _keyed_session(server.ACCOUNT, region)
    try:
        found = str(session.get_partition_for_region(region))
    except BotoCoreError:
        found = ""
    if not found or region not in session.get_available_regions("lambda", found):
        raise UsageError(f"There is no Region {region!r}. Name one such as {DEFAULT_REGION} or eu-west-1.")
    return found


def has_tag(tags: dict[str, str]) -> bool:
    """True if the tags, as Lambda, SQS and CloudWatch Logs give them, say that the lab made the thing."""
    return tags.get(TAG_KEY) == TAG_VALUE


def is_embedded(profile: str = "", role_arn: str = "") -> bool:
    """True if a lab that is opened so runs on the embedded AWS."""
    return not (profile or role_arn or os.environ.get("AWS_ENDPOINT_URL"))


def _on_embedded(account: str, settings: dict[str, Any]) -> Lab:
    account = account or server.ACCOUNT
    found = server.start()
    session = _keyed_session(account, settings["region"], found.secret)
    session.events.register("needs-retry", functools.partial(_raise_if_stopped, found))
    return Lab(session, "the embedded AWS", account, endpoint=found.endpoint, **settings)


def _raise_if_stopped(
    opened: server.Server, response: Any = None, caught_exception: Exception | None = None, **_: Any
) -> None:
    """Raise EmulatorError if a call failed because the embedded AWS stopped, or was started anew with another secret.

    botocore asks before it tries a call again, which would not help then.
    """
    refused = response is not None and response[0].status_code == HTTPStatus.FORBIDDEN
    if (caught_exception or refused) and server.running() != opened:
        raise EmulatorError(
            "The embedded AWS that this lab was opened on has stopped. In a notebook, run the cell with open_lab "
            "again; `lab run --until 04` builds again what is gone."
        ) from None


def _on_endpoint(account: str, endpoint: str, settings: dict[str, Any]) -> Lab:
    key, secret = account or server.ACCOUNT, os.environ.get("AWS_SECRET_ACCESS_KEY", "test")  # as emulators want them
    session = _keyed_session(key, settings["region"], secret)
    if not account:
        session = _user_session("", settings["region"]) or session
    caller = _caller(session, endpoint)
    return Lab(session, f"the endpoint {endpoint}", _agreed(account or caller, caller), endpoint=endpoint, **settings)


def _on_aws(account: str, profile: str, endpoint: str, settings: dict[str, Any]) -> Lab:
    if not account:
        raise UsageError(
            f"Profile {profile} is for AWS, and no account is named. Name the account that you want to use."
        )
    session = _user_session(profile, settings["region"])
    if session is None:
        raise UsageError(f"Profile {profile} has no credentials. Sign in, or name another profile.")
    target = f"the endpoint {endpoint}" if endpoint else "AWS"
    caller = _caller(session, endpoint or None)
    return Lab(session, target, _agreed(account, caller), endpoint=endpoint or None, **settings)


def _in_role(
    account: str, profile: str, role_arn: str, external_id: str, endpoint: str, settings: dict[str, Any]
) -> Lab:
    """The lab with the temporary credentials of a role. They last an hour, which no notebook takes."""
    if not account:
        raise UsageError(f"Role {role_arn} is for AWS, and no account is named. Name the account that you want to use.")
    own = _user_session(profile, settings["region"])
    if own is None:
        raise UsageError(f"There are no credentials to assume {role_arn} with. Sign in, or name a profile.")
    wanted = {"RoleArn": role_arn, "RoleSessionName": TAG_VALUE, **({"ExternalId": external_id} if external_id else {})}
    try:
        sts = own.client("sts", endpoint_url=endpoint or None, config=_config(endpoint or None))
        given = sts.assume_role(**wanted)["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise LabError(f"Cannot assume {role_arn}. Look at the role's trust policy. AWS says: {error}") from None
    session = _keyed_session(given["AccessKeyId"], settings["region"], given["SecretAccessKey"], given["SessionToken"])
    target = f"the endpoint {endpoint}" if endpoint else "AWS"
    caller = _caller(session, endpoint or None)
    return Lab(session, target, _agreed(account, caller), endpoint=endpoint or None, **settings)


def _caller(session: boto3.Session, endpoint: str | None) -> str:
    """The account that the credentials belong to."""
    try:
        sts = session.client("sts", endpoint_url=endpoint, config=_config(endpoint))
        return str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise LabError(
            f"Cannot tell whose credentials these are. Sign in again, or name another profile. AWS says: {error}"
        ) from None


def _agreed(account: str, caller: str) -> str:
    if account != caller:
        raise WrongAccount(
            f"The credentials are for account {caller}; this lab wants {account}. "
            f"Name a profile of {account}, or the account {caller}."
        )
    return account


def _keyed_session(key: str, region: str, *secrets: str) -> boto3.Session:
    """A session with this access key, in which the user's AWS profile plays no part; an emulator's is the account."""
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.register_component("data_loader", _service_models())
    core.set_credentials(key, *(secrets or ["test"]))
    return boto3.Session(botocore_session=core, region_name=region)


@functools.cache
def _service_models() -> botocore.loaders.Loader:
    """What botocore knows of the services, read once a process: every session by itself would read it again."""
    return botocore.loaders.create_loader()


def _user_session(profile: str, region: str) -> boto3.Session | None:
    """A session with the user's own credentials, if there are any; UsageError for a profile that is not there."""
    try:
        session = boto3.Session(profile_name=profile or None, region_name=region)
        return session if session.get_credentials() else None
    except BotoCoreError as error:
        raise UsageError(f"{error}. `aws configure list-profiles` shows the profiles of this machine.") from None


def _config(endpoint: str | None) -> Config:
    retries = Config(retries={"mode": "standard", "max_attempts": 5})
    here = endpoint and urlsplit(endpoint).hostname in ("localhost", server.HOST)
    return retries.merge(_NO_PROXY) if here else retries


def _matching(value: Any, pattern: str, what: str, wanted: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise UsageError(f"{what} is {value!r}; wanted {wanted}.")
    return value


def _amount(value: Decimal | float | str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"threshold is {value!r}; wanted an amount such as 1500 or 99.50.")
    return amount


# What a setting looks like, and how that is said. An e-mail address is what HTML takes for one: nothing in it is
# written otherwise in Python or in JSON.
_SETTINGS = {
    "account": (r"[0-9]{12}", 'twelve digits as text, such as "000000000000"'),
    "prefix": (r"[A-Za-z][A-Za-z0-9-]{0,10}", "a letter, then up to ten letters, digits or -"),
    "email": (r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", "an address such as ana@example.com"),
    "phone": (r"\+[1-9][0-9]{6,14}", "a number such as +15555550100"),
}
_NO_PROXY = Config(proxies={})  # a proxy cannot reach this machine's loopback
