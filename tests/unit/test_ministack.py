"""What ministack does unlike AWS. When a test here fails, a newer ministack does it, and this module of ours can go.

A function that ministack no longer has stops the embedded AWS: the last line of its server.log names it.
"""

import inspect

import pytest
from ministack.core import lambda_runtime
from ministack.services import iam, lambda_svc, sns

from lab_lib.embedded import streams

SOURCES = [  # our module, ministack's function that it replaces or that calls this, and the line that makes it needed
    ("call_times", lambda_svc._emit_lambda_logs, "now_ms = int(time.time() * 1000)"),
    ("credentials.keys", lambda_runtime.execution_credentials, 'f"{function_arn}:{role_arn}"'),
    ("credentials.code_url", lambda_svc._presigned_code_url, "X-Amz-Signature=ministack-local-presigned"),
    ("credentials.policies", iam._simulate_principal_policy, '_gather_role_policies(resource.split("/", 1)[1]'),
    ("publishing.envelope", sns._build_envelope, '"%Y-%m-%dT%H:%M:%S.000Z"'),
    ("workers.invalidate_own", lambda_svc._update_config, 'invalidate_worker(name, qualifier="$LATEST")'),
    ("workers.printed", lambda_runtime.Worker._drain_stderr_bounded, "elapsed >= first_line_wait"),
]


@pytest.mark.parametrize(("ours", "theirs", "line"), SOURCES, ids=[ours for ours, *_ in SOURCES])
def test_ministack_still_needs(ours, theirs, line):
    assert line in inspect.getsource(theirs), f"ministack has changed: look whether {ours} can go"


def test_ministack_still_counts_no_messages_and_reads_no_retries_of_a_mapping():
    assert "record_metric" not in inspect.getsource(sns)
    assert "MaximumRetryAttempts" not in inspect.getsource(lambda_svc._poll_dynamodb_streams)


def test_a_function_that_ministack_no_longer_has_is_named(monkeypatch):
    monkeypatch.delattr(lambda_svc, "_poll_dynamodb_streams")

    with pytest.raises(
        AttributeError, match=r"'ministack.services.lambda_svc' has no attribute '_poll_dynamodb_streams'"
    ):
        streams.install()
