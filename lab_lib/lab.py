"""Open the account that the lab runs in.

A Lab has the account's names, settings and clients; `open_lab()` is the only way in.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial, wraps
from http import HTTPStatus
from itertools import product
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from lab_lib.calls import retries, sessions, waiting
from lab_lib.calls.recent import PATIENCE, Journal, journal
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.embedded import server
from lab_lib.errors import BUILD_AGAIN, EmulatorError, LabError, WrongAccount
from lab_lib.language import _
from lab_lib.processes.stopwatch import LONGEST_STRETCH
from lab_lib.settings import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    DEFAULT_THRESHOLD,
    fitting,
    or_variable,
    partition,
    setting,
)
from lab_lib.workspace.places import DATA_FILE

T = TypeVar("T")
P = ParamSpec("P")
TAGS = {"lab": "serverless-lab"}
TAG = {"Key": "lab", "Value": "serverless-lab"}  # the same tag for S3, IAM, DynamoDB and SNS
BUCKET_NAME = "inputs3bucketfortransact"  # the handout's part of the bucket's name
# Each name beside the lab, in notebooks 01 and 06, begins so. A prefix has no underscore: no other lab has these.
BREAK_IT, BREAK_IT_MY = "BreakIt_", "BreakItMy_"
BREAK_IT_ANY = "BreakIt*_"  # matches all, in a policy


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
    patience: float = 0  # seconds for which AWS may not show what was just made or changed
    data_file: Path = field(default=DATA_FILE, repr=False)  # the transactions file that notebook 05 uploads
    part: str = ""  # such as BREAK_IT, for what notebooks 01 and 06 put beside the lab
    copy: str = field(default="", repr=False)  # the number of a copy of the account, to which all requests go
    _clients: dict[tuple[str, int], Any] = field(default_factory=dict, repr=False, compare=False)
    _renamed: list[str] = field(default_factory=list, repr=False, compare=False)  # see `choose_bucket`

    def client(self, service: str, seconds: int = 0) -> Any:
        """Return the boto3 client of a service, such as "s3". Each is created once, since that takes 0.15 s.

        That of "lambda" may have to wait for the answer of a function that runs for so many seconds.
        """
        if (service, seconds) not in self._clients:
            longest = seconds if self.is_real else seconds * LONGEST_STRETCH
            settings = sessions.config(self.endpoint, seconds=longest)
            client = self.session.client(service, endpoint_url=self.endpoint, config=settings)
            retries.Retry(self.journal).register(client.meta.events)
            client.meta.events.register("before-call", lambda params, **_: params["headers"].update(self._headers))
            self._clients[service, seconds] = client
        return self._clients[service, seconds]

    @property
    def journal(self) -> Journal | None:
        """Return what this process has just made and changed here; None if the account shows it at once."""
        return journal(self.account, self.region, self.patience) if self.patience else None

    @contextmanager
    def listening(self, handlers: dict[str, Callable[..., None]]) -> Iterator[None]:
        """Call these handlers at botocore's events, such as "after-call", of all clients."""

        def pairs() -> Iterator[Any]:
            emitters = self.session.events, *(client.meta.events for client in self._clients.values())
            return product(emitters, handlers.items())

        for emitter, handler in pairs():
            emitter.register(*handler)
        try:
            yield
        finally:
            for emitter, handler in pairs():  # a client that was created meanwhile listens too
                emitter.unregister(*handler)

    def wait_until(self, probe: Callable[[], T | None], what: str, **how: Any) -> T:
        """Wait as `waiting.wait_until` does. A busy computer makes an emulator slower, and AWS not.

        On AWS each look costs a little, so there are fewer.
        """
        usual = {"clock": time.monotonic} if self.is_real else {"longest_pause": 0.08}
        return waiting.wait_until(probe, what, **(usual | how))

    def longest(self, on_aws: float) -> float:
        """Return how many seconds to wait for what AWS is late with; elsewhere, only a function may start slowly."""
        return on_aws if self.is_real else min(on_aws, 20)

    def name(self, name: str) -> str:
        """Return a name of the handout with the prefix before it."""
        return f"{self.prefix}{self.part}{name}"

    def variant(self, part: str) -> "Lab":
        """Return a part beside the lab, or the lab itself, "": the same bucket, roles and clients, names of its own."""
        return replace(self, part=part)

    @property
    def first_look(self) -> "Lab":
        """Return the lab of 00's first look: names and a bucket of its own, and the usual threshold."""
        prefix = f"1st-{self.prefix}"  # a prefix begins with a letter: no other lab has these names
        return replace(self, prefix=prefix, threshold=DEFAULT_THRESHOLD, bucket_name="", _renamed=[])

    @property
    def bucket(self) -> str:
        """Return the bucket's name. Bucket names are lower case, and unique in the whole world."""
        if self.bucket_name:
            return self.bucket_name
        return self._renamed[-1] if self._renamed else self._usual_bucket

    @property
    def bucket_stem(self) -> str:
        """Return how all names of the lab's bucket begin: there is room for an end of seven characters."""
        return self._usual_bucket[:56]

    @property
    def _usual_bucket(self) -> str:
        return f"{self.prefix}{BUCKET_NAME}-{self.account}-{self.region}".lower()[:63]  # S3's limit

    def rename_bucket(self) -> None:
        """Give the lab's bucket a name that ends by chance: AWS may hold that of a deleted bucket for hours."""
        self._renamed.append(f"{self.bucket_stem}-{secrets.token_hex(3)}")

    @property
    def bucket_tags(self) -> list[dict[str, str]]:
        """Return the tags of the lab's bucket: the lab's tag and the prefix."""
        return [TAG, {"Key": "prefix", "Value": self.prefix or "none"}]

    def choose_bucket(self) -> None:
        """Use the bucket that the lab has in the account already, by its tags; else, the usual name."""
        s3 = self.client("s3")
        listed = none_if_unseen(lambda: s3.list_buckets(Prefix=self.bucket_stem, BucketRegion=self.region)["Buckets"])
        for bucket in listed or []:
            answer = none_if_unseen(partial(s3.get_bucket_tagging, Bucket=bucket["Name"]))
            is_ours = answer and all(tag in answer["TagSet"] for tag in self.bucket_tags)
            if is_ours:
                self._renamed.append(bucket["Name"])
                return

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account. IAM's and S3's have no Region, S3's have no account either."""
        region = "" if service in ("iam", "s3") else self.region
        account = "" if service == "s3" else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    @property
    def is_real(self) -> bool:
        """Return True on AWS itself, which costs money. There the lab asks first."""
        return self.endpoint is None

    def work(self) -> int | None:
        """Return what there is to do in the account now; None on any other AWS, which cannot be asked."""
        answer = self.ask_embedded(server.WORK)
        return answer["busy"] if answer else None

    def ask_embedded(self, path: str, **query: Any) -> Any:
        """Return the answer of the embedded AWS to a question of the lab's own; None from any other AWS."""
        if self.is_real:
            return None
        try:
            address = self.signed(path, **query)
            return json.loads(sessions.fetch(self.session, address, self.endpoint, self._headers))
        except (BotoCoreError, ValueError):
            return None

    @property
    def _headers(self) -> dict[str, str]:
        return {server.OF_COPY: self.copy} if self.copy else {}

    def signed(self, path: str, **query: Any) -> str:
        """Return the address of such a question, signed with the lab's key."""
        request = AWSRequest("GET", f"{self.endpoint}{path}", params=query)
        SigV4QueryAuth(self.session.get_credentials(), "sts", self.region, 60).add_auth(request)
        return str(request.url)

    def __str__(self) -> str:
        if self.prefix:
            return _("account {lab.account} on {lab.target}, Region {lab.region}, prefix {lab.prefix}", lab=self)
        return _("account {lab.account} on {lab.target}, Region {lab.region}", lab=self)


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

    A setting that is "" is read from its variable, such as LAB_ACCOUNT, which `lab open` and `lab class` set.
    A `profile` or `role_arn` selects AWS, and then `account` is required. That role is assumed with the credentials of
    the profile or of the environment. AWS_ENDPOINT_URL, or the profile's endpoint_url, selects that endpoint instead.
    Without all of these the lab runs on the embedded AWS, where any twelve digits are an account.
    The roles of the two functions and the bucket are given if they exist already. The lab never changes or deletes
    them. `boundary` is a managed policy, the permissions boundary of the roles that the lab creates.
    UsageError for a setting that cannot be right; WrongAccount if the credentials are for another account.
    """
    given = {name: or_variable(name, value) for name, value in locals().items()}  # all parameters
    role_arn = given.pop("role_arn")
    external_id = given.pop("external_id")
    settings = {name: setting(name, value) for name, value in given.items()}
    account, profile, region = (settings.pop(name) for name in ("account", "profile", "region"))
    if is_embedded(profile, role_arn):
        return _on_embedded(_fields(account or DEFAULT_ACCOUNT, region or DEFAULT_REGION, settings))
    endpoint, region_there = sessions.endpoint(profile)
    if endpoint:
        region = region or region_there
    region = region or DEFAULT_REGION
    if profile or role_arn:
        session = sessions.aws_session(account, profile, region, role_arn, external_id, endpoint)
    else:
        session = _on_endpoint(account, region, str(endpoint))
    caller = sessions.caller(session, endpoint)
    if account and account != caller:
        raise WrongAccount(
            "The credentials are for account {caller}; this lab wants {account}. Name a profile of {account}, "
            "or the account {caller}.",
            caller=caller,
            account=account,
        )
    target = _("the endpoint {endpoint}", endpoint=endpoint) if endpoint else "AWS"
    patience = 0 if endpoint else PATIENCE  # no emulator is late
    lab = Lab(session, target, endpoint=endpoint, patience=patience, **_fields(caller, region, settings))
    if lab.is_real and not lab.bucket_name:  # no emulator refuses the name of a deleted bucket
        lab.choose_bucket()
    return lab


def lab_on(endpoint: str, secret: str, account: str) -> Lab:
    """Return a lab in an account of the embedded AWS that has this address and secret."""
    session = sessions.keyed_session(DEFAULT_REGION, account, secret)
    return Lab(session, _("another embedded AWS"), account, DEFAULT_REGION, "aws", endpoint=endpoint)


def has_lab_tag(tags: dict[str, str]) -> bool:
    """Return True if the lab's tag is among the tags of a function, queue or log group."""
    return tags.get("lab") == TAGS["lab"]


def only_ours(is_ours: Callable[P, object]) -> Callable[[Callable[P, object]], Callable[P, bool]]:
    """Let a function delete a resource only if it is the lab's, and return whether it was."""

    def guard(delete: Callable[P, object]) -> Callable[P, bool]:
        @wraps(delete)
        def delete_own(*about: P.args, **more: P.kwargs) -> bool:
            own = bool(is_ours(*about, **more))
            if own:
                delete(*about, **more)
            return own

        return delete_own

    return guard


def is_embedded(profile: str = "", role_arn: str = "") -> bool:
    """Return True if `open_lab` with this profile and role runs on the embedded AWS."""
    return not (profile or role_arn or os.environ.get("AWS_ENDPOINT_URL"))


def _fields(account: str, region: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of Lab that the settings are for. UsageError if one does not fit account and Region."""
    fields = {name: fitting(name, value, account, region) for name, value in settings.items()}
    where = {"account": account, "region": region, "partition": partition(region)}
    return {**where, "bucket_name": fields.pop("bucket"), **fields}


def _on_embedded(fields: dict[str, Any]) -> Lab:
    running = server.start()
    session = sessions.keyed_session(fields["region"], fields["account"], running.secret)
    session.events.register("needs-retry", partial(_raise_if_stopped, running))
    return Lab(session, _("the embedded AWS"), endpoint=running.endpoint, **fields)


def _on_endpoint(account: str, region: str, endpoint: str) -> boto3.Session:
    """Return a session with the user's credentials if they are for the named account, or none is named.

    Else the access key is the account's digits: most emulators take it for an account.
    """
    users = sessions.user_session("", region)
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "test")
    with suppress(LabError):  # the endpoint does not take these credentials
        if users and (not account or sessions.caller(users, endpoint) == account):
            return users
    return sessions.keyed_session(region, account or DEFAULT_ACCOUNT, secret)


def _raise_if_stopped(opened: server.Server, response: Any, caught_exception: Exception | None, **_event: Any) -> None:
    """Raise EmulatorError if a call failed because the embedded AWS stopped, or was started again with a new secret.

    botocore calls this before each retry, which could not succeed then.
    """
    is_denied = response is not None and response[0].status_code == HTTPStatus.FORBIDDEN
    has_failed = caught_exception is not None or is_denied
    if has_failed and server.running() != opened:
        raise EmulatorError(
            "The embedded AWS that this lab was opened on has stopped, and everything made there is gone. "
            "{build_again} Then run the cell with open_lab again.",
            build_again=_(BUILD_AGAIN),
        ) from None
