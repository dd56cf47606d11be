"""ministack derives a function's keys from two ARNs, which anybody knows, and does not sign the address of its code.

Its policy simulator finds no role with a path, such as service-role/. Goes when it keeps a secret of its own, signs the
address and finds such roles.
"""

import os
from typing import Any

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from lab_lib.embedded import replace
from lab_lib.embedded.server import CLIENTS_PORT, HOST

_keys, _policies = lambda_runtime.execution_credentials, iam_evaluator._gather_role_policies


def install() -> None:
    """Give functions keys that nobody can compute, sign the addresses of their code, and find all roles."""
    replace(lambda_runtime, "execution_credentials", keys)
    replace(lambda_svc, "execution_credentials", keys)
    replace(lambda_svc, "_presigned_code_url", code_url)
    replace(iam_evaluator, "_gather_role_policies", policies)


def keys(config: dict[str, Any]) -> dict[str, str]:
    """Return a function's keys, which depend on the server's secret. A copy has the same."""
    arn = f"{config.get('FunctionArn', '')}:{os.environ['AWS_SECRET_ACCESS_KEY']}"
    return dict(_keys({**config, "FunctionArn": arn}))


def code_url(function: str) -> str:
    """Return the presigned URL of a function's code, which is valid for ten minutes as on AWS."""
    account, region = get_account_id(), get_region()
    url = f"http://{HOST}:{os.environ[CLIENTS_PORT]}/_ministack/lambda-code/{account}/{region}/{function}"
    request, own_key = AWSRequest("GET", url), Credentials(account, os.environ["AWS_SECRET_ACCESS_KEY"])
    S3SigV4QueryAuth(own_key, "s3", region, 600).add_auth(request)
    return str(request.url)


def policies(role: str, account: str) -> Any:
    """Return the policies of a role, which the simulator names with its path."""
    return _policies(role.rsplit("/", 1)[-1], account)
