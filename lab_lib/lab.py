"""The account that the lab runs in, and the names and settings there. Only `open_lab()` makes a boto3 session."""

import functools
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, ConfigParseError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError
from botocore.utils import is_valid_endpoint_url

from lab_lib import waiting
from lab_lib.embedded import server
from lab_lib.errors import EmulatorError, LabError, UsageError, WrongAccount, error_code, is_access_denied

TAG_KEY, TAG_VALUE = "lab", "serverless-lab"
TAGS = {TAG_KEY: TAG_VALUE}
TAG = {"Key": TAG_KEY, "Value": TAG_VALUE}  # the same tag for S3, IAM, DynamoDB and SNS
BUCKET_NAME = "inputs3bucketfortransact"  # the handout's part of the bucket's name
# Every name of notebook 06 begins with one of these. A prefix has no underscore, so no other lab has these names.
BREAK_IT, BREAK_IT_MY = "BreakIt_", "BreakItMy_"
BREAK_IT_ANY = "BreakIt*_"  # matches both, in a policy
DEFAULT_REGION = "us-east-1"
DEFAULT_THRESHOLD = Decimal(1500)
_LONGEST_STEM = 56  # characters of a bucket's name, of which there are at most 63, before an end of seven
# What `open_lab` takes from a notebook, a command or a roster. The last four are for accounts that others manage.
_GIVEN = ("processor_role", "notifier_role", "bucket", "boundary")
SETTINGS = ("account", "profile", "region", "prefix", "threshold", "email", "phone", *_GIVEN)
MOST_DIGITS = 15  # of the threshold: it is a float in a notebook, which keeps so many
REQUESTS = "LAB_REQUESTS"  # set while `lab run` counts: the file to which each request to AWS adds its name
_ROWS_PER_SECOND = 600  # of the embedded AWS; docs/performance.md has three times as many, on a quiet computer
_ROWS_PER_SECOND_ON_AWS = 500  # not measured: a careful guess for 256 MB, and 1,000 writes a second a partition


@dataclass(frozen=True)
class Lab:
    """One account and Region, the names of the lab's resources there, and the settings of a run."""

    session: boto3.Session = field(repr=False)
    target: str  # for people to read: "the embedded AWS", "the endpoint …" or "AWS"
    account: str
    region: str
    partition: str
    endpoint: str | None = field(default=None, repr=False)
    prefix: str = ""
    threshold: Decimal = DEFAULT_THRESHOLD
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    processor_role: str = field(default="", repr=False)  # the ARN of a role that exists already; "" if the lab makes it
    notifier_role: str = field(default="", repr=False)
    bucket_name: str = field(default="", repr=False)  # only for a bucket that exists already, under a name of its own
    boundary: str = field(default="", repr=False)  # the ARN of the permissions boundary of the lab's roles
    part: str = ""  # BREAK_IT or BREAK_IT_MY for what notebook 06 puts beside the lab
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _renamed: list[str] = field(default_factory=list, repr=False, compare=False)  # see `rename_bucket`

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, such as "s3". Each is created once, since that takes 0.15 s."""
        if service not in self._clients:
            config = _config(self.endpoint)
            self._clients[service] = self.session.client(service, endpoint_url=self.endpoint, config=config)
            if service == "lambda":
                self._clients[service].meta.events.register("needs-retry.lambda", _WaitForRole())
        return self._clients[service]

    @contextmanager
    def listening(self, handlers: dict[str, Callable[..., None]]) -> Iterator[None]:
        """Call these handlers at botocore's events, such as "after-call", of all clients."""

        def emitters() -> list[Any]:
            return [self.session.events, *(client.meta.events for client in self._clients.values())]

        for emitter in emitters():
            for event, handler in handlers.items():
                emitter.register(event, handler)
        try:
            yield
        finally:
            for emitter in emitters():  # a client that was created meanwhile listens too
                for event, handler in handlers.items():
                    emitter.unregister(event, handler)

    def name(self, name: str) -> str:
        """Return a name of the handout with the prefix before it."""
        return f"{self.prefix}{self.part}{name}"

    def beside(self, part: str) -> "Lab":
        """Return a part of notebook 06: the same bucket and roles, the same clients, names of its own."""
        return replace(self, part=part)

    @property
    def whole(self) -> "Lab":
        """Return the lab that this is a part of; itself, if it is none."""
        return replace(self, part="")

    @property
    def bucket(self) -> str:
        """Return the bucket's name. Bucket names are lower case, and unique in the whole world."""
        return self.bucket_name or (self._renamed or [self._usual_bucket])[-1]

    @property
    def bucket_stem(self) -> str:
        """Return how the names of the lab's bucket begin: the usual one, and those of `rename_bucket`."""
        return self._usual_bucket[:_LONGEST_STEM]

    @property
    def _usual_bucket(self) -> str:
        return f"{self.prefix}{BUCKET_NAME}-{self.account}-{self.region}".lower()

    def rename_bucket(self) -> None:
        """Give the lab's bucket a name that ends by chance. AWS does not give a deleted bucket's name again for hours.

        Its tags say which lab it belongs to. `open_lab` finds it by them.
        """
        self._renamed.append(f"{self.bucket_stem}-{secrets.token_hex(3)}")

    @property
    def bucket_tags(self) -> list[dict[str, str]]:
        """Return the tags of the lab's bucket: the lab's tag and the prefix."""
        return [TAG, {"Key": "prefix", "Value": self.prefix or "none"}]

    def find_renamed_bucket(self) -> None:
        """Use the bucket that `rename_bucket` named in an earlier process, if there is one."""
        stem, s3 = self.bucket_stem, self.client("s3")
        try:
            names = [each["Name"] for each in s3.list_buckets(Prefix=stem, BucketRegion=self.region)["Buckets"]]
            named = [name for name in names if re.fullmatch(f"{re.escape(stem)}-[0-9a-f]{{6}}", name)]
            tags = {name: s3.get_bucket_tagging(Bucket=name)["TagSet"] for name in named}
        except ClientError as error:
            if is_access_denied(error) or error_code(error) in ("NoSuchTagSet", "NoSuchBucket"):
                return  # the bucket has its usual name, or cannot be used anyway
            raise
        self._renamed.extend(name for name, found in tags.items() if all(tag in found for tag in self.bucket_tags))

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account. IAM's and S3's have no Region, S3's have no account either."""
        region = "" if service in ("iam", "s3") else self.region
        account = "" if service == "s3" else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    @property
    def is_real(self) -> bool:
        """Return True on AWS itself, which costs money. There the lab asks before it deletes."""
        return self.endpoint is None

    @property
    def rows_per_second(self) -> int:
        """Return how many rows of a file TransactionProcessor writes in a second, at least."""
        return _ROWS_PER_SECOND_ON_AWS if self.is_real else _ROWS_PER_SECOND

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
    processor_role: str = "",
    notifier_role: str = "",
    bucket: str = "",
    boundary: str = "",
    role_arn: str = "",
    external_id: str = "",
) -> Lab:
    """Open the lab in an account, and start the embedded AWS if the lab runs on it.

    An empty setting, other than threshold, e-mail and phone, is read from its variable, such as LAB_ACCOUNT, which
    `lab open` and `lab class` set. A `profile` or `role_arn` selects AWS, and then `account` is required. That role is
    assumed with the credentials of the profile or of the environment. Otherwise AWS_ENDPOINT_URL selects its endpoint.
    Without all of these the lab runs on the embedded AWS, where any twelve digits are an account.
    The roles of the two functions and the bucket are given if they exist already. The lab never changes or deletes
    them. `boundary` is a managed policy, the permissions boundary of the roles that the lab creates.
    UsageError for a setting that cannot be right; WrongAccount if the credentials are for another account.
    """
    account, profile, region = _or_variable(account=account, profile=profile, region=region).values()
    role_arn, external_id = _or_variable(role_arn=role_arn, external_id=external_id).values()
    settings = _or_variable(prefix=prefix, processor_role=processor_role, notifier_role=notifier_role)
    settings |= _or_variable(bucket=bucket, boundary=boundary)
    settings |= {"threshold": threshold, "email": email, "phone": phone}
    setting("account", account)
    setting("region", region)
    settings = {name: setting(name, value) for name, value in settings.items()}
    region = region or DEFAULT_REGION
    if is_embedded(profile, role_arn):
        return _on_embedded(_fields(account or server.ACCOUNT, region, settings))
    endpoint = _endpoint()
    if profile or role_arn:
        session = _aws_session(account, profile, region, role_arn, external_id, endpoint)
    else:
        secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "test")  # an emulator takes the account for the access key
        own = None if account else _user_session("", region)
        session = own or _keyed_session(region, account or server.ACCOUNT, secret)
    caller = _caller(session, endpoint)
    if account and account != caller:
        raise WrongAccount(
            f"The credentials are for account {caller}; this lab wants {account}. "
            f"Name a profile of {account}, or the account {caller}."
        )
    target = f"the endpoint {endpoint}" if endpoint else "AWS"
    lab = Lab(session, target, endpoint=endpoint, **_fields(caller, region, settings))
    if lab.is_real and not lab.bucket_name:  # no emulator refuses the name of a deleted bucket
        lab.find_renamed_bucket()
    return lab


@contextmanager
def open_another() -> Iterator[Lab]:
    """Open a lab on another embedded AWS, which ends with the context. The learner's is not touched."""
    with server.another() as found:
        session = _keyed_session(DEFAULT_REGION, server.ACCOUNT, found.secret)
        where: dict[str, Any] = {
            "region": DEFAULT_REGION,
            "partition": partition(DEFAULT_REGION),
            "endpoint": found.endpoint,
        }
        yield Lab(session, "another embedded AWS", server.ACCOUNT, **where)


def setting(name: str, value: Any) -> Any:
    """Return a setting of `open_lab` that is right by itself. UsageError if it cannot be right; empty is right."""
    if name == "threshold":
        return _amount(DEFAULT_THRESHOLD if value == "" else value)
    if name == "region":
        partition(value or DEFAULT_REGION)
        return value
    pattern, wanted = _SETTINGS[name]
    if not isinstance(value, str) or not re.fullmatch(f"({pattern})?", value, re.ASCII):
        raise UsageError(f"{name} is {value!r}; wanted {wanted}.")
    return value


def fitting(name: str, value: Any, account: str, region: str) -> Any:
    """Return a setting for this account and Region, a role or policy as its ARN. UsageError if it cannot be there."""
    if name == "phone" and value and partition(region) == "aws-cn":
        raise UsageError(f"phone is {value!r}; SNS sends no SMS in the Regions of China. Leave phone empty.")
    return _arn(name, value, account, region) if value and name in _IAM_KINDS else value


@functools.cache
def partition(region: str) -> str:
    """Return the Region's partition, such as aws or aws-cn. UsageError if there is no such Region."""
    session = _keyed_session(region, server.ACCOUNT)
    try:
        found = str(session.get_partition_for_region(region))
    except BotoCoreError:
        found = ""
    if not found or region not in session.get_available_regions("lambda", found):
        raise UsageError(f"There is no Region {region!r}. Name one such as {DEFAULT_REGION} or eu-west-1.")
    return found


def has_lab_tag(tags: dict[str, str]) -> bool:
    """Return True if the lab's tag is among the tags of a function, queue or log group."""
    return tags.get(TAG_KEY) == TAG_VALUE


def is_embedded(profile: str = "", role_arn: str = "") -> bool:
    """Return True if `open_lab` with this profile and role runs on the embedded AWS."""
    return not (profile or role_arn or os.environ.get("AWS_ENDPOINT_URL"))


def _or_variable(**settings: str) -> dict[str, Any]:
    """Return the settings, each that is empty with the value of its variable, such as LAB_PREFIX."""
    return {name: value or os.environ.get(f"LAB_{name.upper()}", "") for name, value in settings.items()}


def _fields(account: str, region: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of Lab that the settings are for. UsageError if one does not fit account and Region."""
    fields = {name: fitting(name, value, account, region) for name, value in settings.items()}
    where = {"account": account, "region": region, "partition": partition(region)}
    return {**where, "bucket_name": fields.pop("bucket"), **fields}


def _arn(name: str, value: str, account: str, region: str) -> str:
    """Return the ARN of a role or policy of this account, given by its name or ARN. A policy may be AWS's own."""
    kind = _IAM_KINDS[name]
    own, of_aws = (f"arn:{partition(region)}:iam::{owner}:{kind}/" for owner in (account, "aws"))
    if not value.startswith("arn:"):
        return f"{own}{value}"
    if not value.startswith((own, of_aws) if kind == "policy" else own):
        raise UsageError(f"{name} is {value!r}; wanted a {kind} of this account, such as {own}{value.split('/')[-1]}.")
    return value


def _on_embedded(fields: dict[str, Any]) -> Lab:
    found = server.start()
    session = _keyed_session(fields["region"], fields["account"], found.secret)
    session.events.register("needs-retry", functools.partial(_raise_if_stopped, found))
    return Lab(session, "the embedded AWS", endpoint=found.endpoint, **fields)


def _raise_if_stopped(
    opened: server.Server, response: Any = None, caught_exception: Exception | None = None, **_: Any
) -> None:
    """Raise EmulatorError if a call failed because the embedded AWS stopped, or was started again with a new secret.

    botocore calls this before each retry, which could not succeed then.
    """
    denied = response is not None and response[0].status_code == HTTPStatus.FORBIDDEN
    if (caught_exception or denied) and server.running() != opened:
        raise EmulatorError(
            "The embedded AWS that this lab was opened on has stopped. In a notebook, run the cell with open_lab "
            "again; `lab run --until 04` builds again what is gone."
        ) from None


def _endpoint() -> str | None:
    """Return AWS_ENDPOINT_URL, None if it is unset. UsageError if it is not the address of an HTTP server."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        parts = urlsplit(endpoint)
        right = parts.scheme in ("http", "https") and parts.port != 0 and is_valid_endpoint_url(endpoint)
    except ValueError:  # the port is not a number up to 65535
        right = False
    if endpoint and not right:
        raise UsageError(f"AWS_ENDPOINT_URL is {endpoint!r}; wanted http://host:port, such as http://127.0.0.1:4566.")
    return endpoint or None


def _aws_session(
    account: str, profile: str, region: str, role_arn: str, external_id: str, endpoint: str | None
) -> boto3.Session:
    """Return a session of the profile, or one that has assumed the role. UsageError without credentials."""
    if not account:
        raise UsageError(
            f"{role_arn or profile} is for AWS, and no account is named. Name the one that you want to use."
        )
    own = _user_session(profile, region)
    if own is None:
        who = f"Profile {profile}" if profile else "The environment"
        raise UsageError(f"{who} has no credentials. Sign in, or name another profile.")
    if role_arn:
        own = _session(region, credentials=_assumed(own, role_arn, external_id, endpoint), profile=profile or None)
    if path := os.environ.get(REQUESTS):
        own.events.register("before-send", functools.partial(_note_request, Path(path)))
    return own


def _note_request(path: Path, event_name: str, **_: Any) -> None:
    """Add the name of a request, such as s3.PutObject, to the file. A retry is a request too."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{event_name.removeprefix('before-send.')}\n")


def _assumed(own: boto3.Session, role_arn: str, external_id: str, endpoint: str | None) -> Credentials:
    """Return credentials of the role, which botocore renews before their hour ends. LabError if there are none."""
    settings = {"RoleSessionName": TAG_VALUE, **({"ExternalId": external_id} if external_id else {})}
    client = functools.partial(own.client, endpoint_url=endpoint, config=_config(endpoint))
    fetcher = AssumeRoleCredentialFetcher(client, own.get_credentials(), role_arn, settings)
    credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    try:
        credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        raise LabError(f"Cannot assume {role_arn}. Look at the role's trust policy. AWS says: {error}") from None
    return credentials


def _caller(session: boto3.Session, endpoint: str | None) -> str:
    """Return the account that the credentials belong to."""
    try:
        sts = session.client("sts", endpoint_url=endpoint, config=_config(endpoint, retries=1 if endpoint else 5))
        return str(sts.get_caller_identity()["Account"])
    except (ConnectionError, HTTPClientError) as error:
        raise LabError(f"{endpoint or 'AWS'} does not answer. Check the address and the network. {error}") from None
    except (BotoCoreError, ClientError) as error:
        raise LabError(
            f"Cannot tell whose credentials these are. Sign in again, or name another profile. AWS says: {error}"
        ) from None
    except (KeyError, ResponseParserError):
        raise LabError(f"{endpoint} is not an AWS endpoint: it does not name an account. Check its address.") from None


def _keyed_session(region: str, key: str, secret: str = "test") -> boto3.Session:  # noqa: S107, emulators take any
    """Return a session with this access key that reads none of the user's AWS files."""
    return _session(region, (key, secret), session_vars=_NO_FILES)


def _user_session(profile: str, region: str) -> boto3.Session | None:
    """Return a session with the user's credentials, if there are any. UsageError if the profile cannot be read."""
    try:
        session = _session(region, profile=profile or None)
        return session if session.get_credentials() else None
    except ConfigParseError as error:
        raise UsageError(f"Cannot read {error.kwargs['path']}: it is not an AWS configuration file. Mend it.") from None
    except BotoCoreError as error:
        raise UsageError(f"{error}. `aws configure list-profiles` shows the profiles of this machine.") from None


def _session(
    region: str, keys: tuple[str, ...] = (), credentials: Credentials | None = None, **settings: Any
) -> boto3.Session:
    core = botocore.session.Session(**settings)
    core.register_component("data_loader", _service_models())
    if keys:
        core.set_credentials(*keys)
    if credentials:
        core.register_component("credential_provider", SimpleNamespace(load_credentials=lambda: credentials))
    return boto3.Session(botocore_session=core, region_name=region)


@functools.cache
def _service_models() -> botocore.loaders.Loader:
    """Return botocore's descriptions of the services. All sessions of a process share them, to read them once."""
    return botocore.loaders.create_loader()


class _WaitForRole:
    """Lets botocore call Lambda again in two seconds while a new role, or its permissions, are not known there yet.

    So a call of the learner's own needs no loop either.
    """

    def __init__(self) -> None:
        self._line = waiting.Line()

    def __call__(self, response: tuple[Any, dict[str, Any]] | None, attempts: int, **_: Any) -> float | None:
        error = response[1].get("Error", {}) if response else {}
        is_new = waiting.NEW_ROLE.matches(error.get("Code", ""), error.get("Message", ""))
        if not is_new or attempts > _MOST_ATTEMPTS:
            self._line.end()
            return None
        self._line.wait(waiting.NEW_ROLE.what, waiting.NEW_ROLE.on_aws, f"{2 * attempts} s")
        return 2


def _config(endpoint: str | None, retries: int = 5) -> Config:
    config = Config(retries={"mode": "standard", "total_max_attempts": retries + 1})
    is_local = endpoint and urlsplit(endpoint).hostname in ("localhost", server.HOST)
    return config.merge(_NO_PROXY) if is_local else config


def _amount(value: Decimal | float | str) -> Decimal:
    text = str(value)
    amount = Decimal(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text) else Decimal("NaN")
    if not amount.is_finite() or len(f"{amount.normalize():f}".replace(".", "")) > MOST_DIGITS:
        raise UsageError(
            f"threshold is {value!r}; wanted an amount of 0 or more with at most {MOST_DIGITS} digits, such as 1500."
        )
    return amount


_MOST_ATTEMPTS = 45
_IAM_KINDS = {"processor_role": "role", "notifier_role": "role", "boundary": "policy"}
_ROLE = r"(arn:[!-~]+/)?[\w+=,.@-]{1,64}", "the name or ARN of a role, such as LabRole"
# Each setting's pattern and description. The pattern for e-mail addresses is HTML's: none of its characters needs
# escaping in Python or JSON.
_SETTINGS = {
    "account": (r"[0-9]{12}", 'twelve digits as text, such as "000000000000"'),
    "prefix": (r"[A-Za-z][A-Za-z0-9-]{0,10}", "a letter, then up to ten letters, digits or -"),
    "email": (r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", "an address such as ana@example.com"),
    "phone": (r"\+[1-9][0-9]{6,14}", "a number such as +15555550100"),
    "processor_role": _ROLE,
    "notifier_role": _ROLE,
    "bucket": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket, such as my-class-bucket"),
    "boundary": (r"(arn:[!-~]+/)?[\w+=,.@-]{1,128}", "the name or ARN of a managed policy, such as LabBoundary"),
}
_NO_PROXY = Config(proxies={})  # a proxy cannot reach this machine's loopback
_NO_FILES = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
