"""The boto3 sessions of a lab: whose credentials they have, and how their clients call AWS."""

import functools
import os
import re
import time
from contextlib import suppress
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.hooks import first_non_none_response
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from lab_lib.calls.refusals import PROFILE, in_one_line
from lab_lib.errors import LabError, UsageError, is_unreachable
from lab_lib.language import _

_MOST_FETCHED, _LONGEST_FETCH = 60_000_000, 120  # bytes, seconds; Lambda takes code of 50 MB
_HOMES = "us-east-1", "cn-northwest-1"  # the Regions that are always enabled, outside of China and there
_NO_FILES = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))


def endpoint(profile: str) -> tuple[str | None, str]:
    """Return AWS_ENDPOINT_URL or the profile's endpoint_url, and the Region there, "" if none is configured.

    None on AWS, to which an endpoint of a single service leads, too. UsageError if it cannot be an address.
    """
    user = botocore.session.Session(profile=profile or None)
    settings = {}
    with suppress(BotoCoreError):  # `user_session` says what is wrong with the profile
        settings = user.get_scoped_config()
    of_variable = os.environ.get("AWS_ENDPOINT_URL", "")
    endpoint = of_variable or settings.get("endpoint_url", "")
    if endpoint and not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?(/\S*)?", endpoint):
        raise UsageError(
            "{name} is {value!r}; wanted an address such as http://127.0.0.1:4566 or https://127.0.0.1:9297.",
            name="AWS_ENDPOINT_URL" if of_variable else "endpoint_url",
            value=endpoint,
        )
    region = os.environ.get("AWS_DEFAULT_REGION") or settings.get("region", "")
    return endpoint or None, region


def profiles() -> list[str]:
    """Return the names of the profiles in the user's AWS configuration."""
    try:
        return list(botocore.session.Session().available_profiles)
    except ConfigParseError as error:
        raise _unreadable(error) from None


def aws_session(
    account: str, profile: str, region: str, role_arn: str, external_id: str, endpoint: str | None
) -> boto3.Session:
    """Return a session of the profile, or one that has assumed the role. UsageError without credentials."""
    if not (account or endpoint):
        raise UsageError(
            "{name} is for AWS, and no account is named. Name the one that you want to use.",
            name=role_arn or profile,
        )
    session = user_session(profile, region)
    if session is None:
        raise UsageError(in_one_line(NoCredentialsError(), profile))
    if role_arn:
        credentials = _assumed(session, role_arn, external_id, endpoint)
        session = _session(region, credentials=credentials, profile=profile or None)
    return session


def _unreadable(error: ConfigParseError) -> UsageError:
    return UsageError("Cannot read {path}: it is not an AWS configuration file. Fix it.", **error.kwargs)


def _assumed(session: boto3.Session, role_arn: str, external_id: str, endpoint: str | None) -> Credentials:
    """Return credentials of the role, which botocore renews before their hour ends. LabError if there are none."""
    settings = {"RoleSessionName": "serverless-lab"}
    if external_id:
        settings["ExternalId"] = external_id
    client = functools.partial(session.client, endpoint_url=endpoint, config=config(endpoint))
    fetcher = AssumeRoleCredentialFetcher(client, session.get_credentials(), role_arn, settings)
    credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    try:
        credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        _require_region(session, error, endpoint)
        why = in_one_line(error, session._session.profile or "")
        raise LabError("Cannot assume {role}. {why}", role=role_arn, why=why) from None
    return credentials


def caller(session: boto3.Session, endpoint: str | None) -> str:
    """Return the account that the credentials belong to."""
    retries = 1 if endpoint else 5
    try:
        sts = session.client("sts", endpoint_url=endpoint, config=config(endpoint, retries))
        return str(sts.get_caller_identity()["Account"])
    except (ConnectionError, HTTPClientError) as error:
        raise LabError(
            "{who} does not answer. If AWS_ENDPOINT_URL names an embedded AWS that has stopped, type `unset "
            "AWS_ENDPOINT_URL`, and do the same again. Otherwise check the address and the network, and AWS_CA_BUNDLE "
            "if it has a certificate of its own. {error}",
            who=endpoint or "AWS",
            error=error,
        ) from None
    except (BotoCoreError, ClientError) as error:
        _require_region(session, error, endpoint)
        raise LabError(in_one_line(error, session._session.profile or "")) from None
    except (KeyError, ValueError, ResponseParserError):
        raise LabError(
            "{endpoint} is not an AWS endpoint: it does not name an account. Check its address.", endpoint=endpoint
        ) from None


def _require_region(session: boto3.Session, error: Exception, endpoint: str | None) -> None:
    """Raise LabError if AWS refused the credentials only for the Region, which is not enabled or in another partition.

    Such a Region knows no credentials of the account.
    """
    is_refused = isinstance(error, ClientError) and is_unreachable(error)
    if endpoint or not is_refused:
        return
    for home in _HOMES:
        if home != session.region_name:
            with suppress(BotoCoreError, ClientError):
                sts = session.client("sts", region_name=home, config=config(None, retries=0))
                raise LabError(
                    "The Region {region} does not accept these credentials of account {account}, and {home} does. "
                    "Enable the Region in the console under Account, or name another with --region, such as {home}.",
                    region=session.region_name,
                    account=sts.get_caller_identity()["Account"],
                    home=home,
                ) from None


def keyed_session(region: str, key: str, secret: str = "test") -> boto3.Session:  # noqa: S107, emulators take any
    """Return a session with this access key that reads none of the user's AWS files."""
    return _session(region, (key, secret), session_vars=_NO_FILES)


def user_session(profile: str, region: str) -> boto3.Session | None:
    """Return a session with the user's credentials, if there are any. UsageError if the profile cannot be read."""
    try:
        session = _session(region, profile=profile or None)
        return session if session.get_credentials() else None
    except ConfigParseError as error:
        raise _unreadable(error) from None
    except ProfileNotFound as error:
        raise UsageError(
            "There is no profile {profile}. `aws configure list-profiles` shows the profiles of this machine.",
            **error.kwargs,
        ) from None
    except BotoCoreError as error:
        raise UsageError(
            "The profile cannot be used: {error}. Correct it, or name another.", error=str(error).rstrip(".")
        ) from None


def _session(
    region: str, keys: tuple[str, ...] = (), credentials: Credentials | None = None, **settings: Any
) -> boto3.Session:
    core = botocore.session.Session(**settings)
    core.register_component("data_loader", _service_models())
    core.register("before-parse", _leave_status)
    core.register("after-call", functools.partial(_note_profile, core.profile))
    if keys:
        core.set_credentials(*keys)
    if credentials:
        core.register_component("credential_provider", SimpleNamespace(load_credentials=lambda: credentials))
    return boto3.Session(botocore_session=core, region_name=region)


def _leave_status(response_dict: dict[str, Any], **_: Any) -> None:
    """Drop the body of "not implemented" unless it is XML: an emulator may not answer in the service's protocol."""
    if response_dict["status_code"] == HTTPStatus.NOT_IMPLEMENTED and not response_dict["body"].startswith(b"<"):
        response_dict["body"] = b""


def _note_profile(profile: str | None, parsed: dict[str, Any], **_: Any) -> None:
    """Note the profile in AWS's answer, so that an error can name the one to sign in with again."""
    parsed.get("ResponseMetadata", {})[PROFILE] = profile or ""


@functools.cache
def _service_models() -> botocore.loaders.Loader:
    """Return botocore's descriptions of the services. All sessions of a process share them, to read them once."""
    return botocore.loaders.create_loader()


def fetch(session: boto3.Session, address: str, endpoint: str | None, headers: dict[str, str] | None = None) -> bytes:
    """Return what is at an address that AWS has answered. ValueError if AWS would not give that address or content.

    Only path and query of the address count if the lab has an endpoint of its own. No redirect is followed. Handlers of
    "before-send" see the request, and may answer it, as with those of clients.
    """
    parts = urlsplit(address)
    if endpoint:
        parts = urlsplit(endpoint)._replace(path=parts.path, query=parts.query)
    if parts.scheme != "https" and not endpoint:
        raise ValueError(_("its address is not one of AWS"))
    request = AWSRequest("GET", parts.geturl(), headers=headers, stream_output=True).prepare()
    answer = first_non_none_response(session.events.emit("before-send.lambda.GetCode", request=request))
    if answer is None:
        proxies = {} if endpoint else get_environ_proxies(request.url)  # a proxy cannot reach this machine's loopback
        verify = session._session.get_config_variable("ca_bundle") or True
        answer = URLLib3Session(verify=verify, proxies=proxies, timeout=30).send(request)
    if answer.status_code != HTTPStatus.OK:
        raise ValueError(_("the answer is {status}", status=answer.status_code))
    content = bytearray()
    end = time.monotonic() + _LONGEST_FETCH
    while chunk := answer.raw.read1(1 << 16):
        content += chunk
        if len(content) > _MOST_FETCHED or time.monotonic() > end:
            raise ValueError(_("it is too large, or comes too slowly"))
    return bytes(content)


def config(endpoint: str | None, retries: int = 5, seconds: float = 0) -> Config:
    """Return how a client calls AWS, whose answers may take so many seconds longer than usual."""
    is_local = urlsplit(endpoint or "").hostname in ("localhost", "127.0.0.1")
    return Config(
        retries={"mode": "standard", "total_max_attempts": retries + 1},
        connect_timeout=10,  # seconds
        read_timeout=60 + seconds,
        proxies={} if is_local else None,  # a proxy of the environment cannot reach this machine's loopback
        inject_host_prefix=not is_local,  # such as sync- of Step Functions: sync-127.0.0.1 is no address
    )
