"""Whatever one thing in an account holds, only the checks about that one thing say so, and they say "not yet"."""

import io
import json
import zipfile

import pytest
from hostile import answering
from stub_account import LAB, NOTIFIER, function, queue, run

from lab_lib.aws import functions, policies, queues, tables
from lab_lib.calls import sessions
from lab_lib.errors import LabError

NOTIFY = queues.ALERT_QUEUES[0]


def with_address(address):
    """Let the customer C1 have this address, which is read as it comes from DynamoDB."""
    body = {"Items": [{"CustomerId": {"S": "C1"}, "Address": address}], "Count": 1}
    return {(tables.items, "Customer"): lambda name: tables.items(answering(Scan=body)[0], name)}


def code(text):
    files = {"lambda_function.py": text}
    return function(Handler="lambda_function.lambda_handler") | {(functions.code, NOTIFIER): files}


def beside_the_right_one(statement):
    right = policies.queue(LAB, NOTIFY)
    return queue(Policy=json.dumps({"Statement": [statement, *right["Statement"]]}))


# What was put where, the checks about it, and a part of what the first of them says.
HOSTILE = {
    "an address that is a set": (with_address({"NS": ["1"]}), ("customers",), "C1 has Address {"),
    "a statement that is a number": (beside_the_right_one(5), (), ""),
    "an action of 60 stars": (
        beside_the_right_one({"Effect": "Allow", "Principal": "*", "Action": f"{'*' * 60}!"}),
        ("outsiders-CustomerNotify",), "anyone"),
    "a count that is none": (
        queue(ApproximateNumberOfMessages="x", RedrivePolicy="{}"), ("alerts-CustomerNotify",), "0 messages"),
    "a name of a megabyte": (
        function(Environment={"Variables": {"TOTAL_TABLE": "x" * 10**6}}), (f"variables-{NOTIFIER}",), "xxx…"),
    "code of 100,000 levels": (code(f"{'-' * 100_000}1"), (f"code-{NOTIFIER}",), "wanted: code in Python"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "about", "part"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_content_changes_only_the_checks_about_it(change, about, part):
    report = run(change)

    changed = {check.id: check for check in report.checks if check.state not in ("ok", "waits")}
    assert changed.keys() == {*about}
    assert {check.state for check in changed.values()} <= {"not yet", "could be"}
    assert not about or part in changed[about[0]].words
    assert max(len(check.words) for check in report.checks) < 4_000


# The code of a function, whose address and archive come from the account


FILES = {"lambda_function.py": b"# Caf\xe9\n", "lib/more.py": "\ufeffŁ = 1\r\n", "old.pyc": b"\x00"}
HERE = "http://127.0.0.1:1"


def archive(files, compression=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return content.getvalue()


def described(address):
    return {"Configuration": {"PackageType": "Zip"}, "Code": {"Location": address} if address else {}}


@pytest.mark.parametrize(
    ("endpoint", "location", "asked"),
    [
        (None, "https://s3.amazonaws.com/code?signed=1", "https://s3.amazonaws.com/code?signed=1"),
        (HERE, "https://elsewhere.example:99/a/../code?signed=1", f"{HERE}/a/../code?signed=1"),
        (HERE, "file:///etc/passwd", f"{HERE}/etc/passwd"),
    ],
)
def test_code_is_fetched_from_the_labs_own_endpoint_and_on_aws_over_https(endpoint, location, asked):
    lab, addresses = answering(endpoint, GetFunction=described(location), GetCode=archive(FILES))

    assert functions.code(lab, NOTIFIER) == {"lambda_function.py": "# Caf\ufffd\n", "lib/more.py": "Ł = 1\r\n"}
    assert addresses[-1] == asked


@pytest.mark.parametrize(
    ("endpoint", "location", "content"),
    [
        *((None, url, b"") for url in ("http://s3.amazonaws.com/code", "file:///etc/passwd", "")),
        (HERE, HERE, archive({"f.py": b"#" * 400_000})),
        (HERE, HERE, archive(FILES, zipfile.ZIP_BZIP2)),
    ],
)
def test_code_at_another_address_or_in_a_damaged_archive_cannot_be_read(endpoint, location, content):
    lab, _ = answering(endpoint, GetFunction=described(location), GetCode=content)

    with pytest.raises(LabError, match=rf"^the code of {NOTIFIER} cannot be read \(.+\)$"):
        functions.code(lab, NOTIFIER)


def test_no_redirect_is_followed():
    lab, asked = answering(HERE, 302, GetCode=archive(FILES))

    with pytest.raises(ValueError, match="the answer is 302"):
        sessions.fetch(lab.session, HERE, HERE)
    assert asked == [HERE]
