import dataclasses
import io
import json
import zipfile
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from lab_lib.aws import cloudwatch, functions, policies, queues, roles
from lab_lib.errors import LabError, StepMissing

BOTH = list(functions.SOURCES)
NAME = "TransactionProcessor"


@pytest.fixture
def with_roles(lab):
    """What 00-start-here leaves: the roles and the dead-letter queue."""
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    return lab


@pytest.fixture
def zipped():
    """The bytes of an archive with these files."""

    def zipped(files):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as made:
            for name, content in files.items():
                made.writestr(name, content)
        return archive.getvalue()

    return zipped


@pytest.fixture
def given_function(with_roles, zipped):
    """A function that a learner made by hand, from the handout."""
    made = with_roles.client("lambda").create_function(
        FunctionName=NAME,
        Role=roles.find_role(with_roles, "TransactionProcessorRole"),
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.py": "def handler(event, context): return 7"})},
    )
    return made["FunctionArn"]


@pytest.fixture
def stable(lab):
    """The function's configuration without what changes by the mere asking."""

    def stable(name):
        return {key: value for key, value in functions.configuration(lab, name).items() if key != "ResponseMetadata"}

    return stable


@pytest.fixture
def stored(lab, monkeypatch):
    """stored(archive): a function of this code, on a server of this machine that answers all with it; its address."""
    servers = []

    def stored(archive, location=""):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(archive)))
                self.end_headers()
                self.wfile.write(archive)

            def log_message(self, *_):
                """Say nothing."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        address = f"http://127.0.0.1:{servers[-1].server_port}"
        answer = {"Configuration": {"PackageType": "Zip"}, "Code": {"Location": location or f"{address}/code"}}
        monkeypatch.setattr(lab.client("lambda"), "get_function", lambda **_: answer)
        return address

    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield stored
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", BOTH)
def test_ensure_function_makes_a_tagged_function_with_its_settings(with_roles, name):
    arn = functions.ensure_function(with_roles, name)

    made = functions.configuration(with_roles, name)
    wanted = functions.settings(with_roles, name)
    assert arn == made["FunctionArn"] == f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    assert {key: made[key] for key in wanted} == wanted
    assert made["Runtime"] == "python3.13"
    assert with_roles.client("lambda").list_tags(Resource=arn)["Tags"] == {"lab": "serverless-lab"}


def test_the_settings_name_the_labs_things_with_their_prefix(with_roles):
    settings = functions.settings(dataclasses.replace(with_roles, prefix="ana-"), "TotalNotifier")

    assert settings["FunctionName"] == "ana-TotalNotifier"
    assert settings["Environment"]["Variables"] == {
        "TOTAL_TABLE": "ana-TransactionTotal",
        "MARKER_TABLE": "ana-ProcessedRecords",
        "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:ana-HighBalanceAlert",
        "THRESHOLD": "1500",
        "DEAD_LETTER_QUEUE": "",
    }


def test_total_notifier_is_told_the_dead_letter_queue(with_roles):
    functions.ensure_function(with_roles, "TotalNotifier")

    variables = functions.configuration(with_roles, "TotalNotifier")["Environment"]["Variables"]
    assert variables["DEAD_LETTER_QUEUE"] == queues.find_queue(with_roles, queues.DEAD_LETTERS)


@pytest.mark.parametrize("name", BOTH)
def test_ensure_function_twice_gives_the_same_function_and_updates_nothing(with_roles, calls, stable, name):
    functions.ensure_function(with_roles, name)
    before = stable(name)
    settings, code = calls("lambda", "update_function_configuration"), calls("lambda", "update_function_code")

    functions.ensure_function(with_roles, name)

    assert stable(name) == before
    assert settings == code == []


@pytest.mark.parametrize(
    "change",
    [
        {"Timeout": 3},
        {"MemorySize": 128},
        {"Runtime": "python3.12"},
        {"Handler": "index.handler"},
        {"Description": "changed"},
        {"Environment": {"Variables": {"CUSTOMER_TABLE": "Another"}}},
        {"Environment": {"Variables": {}}},
    ],
    ids=str,
)
def test_ensure_function_gives_a_changed_setting_back(with_roles, change):
    functions.ensure_function(with_roles, NAME)
    with_roles.client("lambda").update_function_configuration(FunctionName=NAME, **change)

    functions.ensure_function(with_roles, NAME)

    wanted, now = functions.settings(with_roles, NAME), functions.configuration(with_roles, NAME)
    assert {key: now[key] for key in wanted} == wanted


def test_ensure_function_follows_a_new_threshold(with_roles):
    functions.ensure_function(with_roles, "TotalNotifier")

    functions.ensure_function(dataclasses.replace(with_roles, threshold=Decimal("99.50")), "TotalNotifier")

    now = functions.configuration(with_roles, "TotalNotifier")
    assert now["Environment"]["Variables"]["THRESHOLD"] == "99.50"


def test_ensure_function_gives_changed_code_back(with_roles, stable, zipped):
    functions.ensure_function(with_roles, NAME)
    before = stable(NAME)["CodeSha256"]
    changed = zipped({"transaction_processor.py": "def lambda_handler(event, context): return 7"})
    with_roles.client("lambda").update_function_code(FunctionName=NAME, ZipFile=changed)
    assert stable(NAME)["CodeSha256"] != before

    functions.ensure_function(with_roles, NAME)

    assert stable(NAME)["CodeSha256"] == before


def test_ensure_function_sends_what_it_cannot_process_to_the_dead_letter_queue(with_roles):
    functions.ensure_function(with_roles, NAME)
    lambda_ = with_roles.client("lambda")
    lambda_.put_function_event_invoke_config(FunctionName=NAME, MaximumRetryAttempts=0)

    functions.ensure_function(with_roles, NAME)

    now = lambda_.get_function_event_invoke_config(FunctionName=NAME)
    assert now["MaximumRetryAttempts"] == 2
    assert now["DestinationConfig"]["OnFailure"]["Destination"] == queues.queue_arn(with_roles, queues.DEAD_LETTERS)


@pytest.mark.parametrize("name", BOTH)
def test_ensure_function_makes_its_log_group_and_mends_it(with_roles, name):
    functions.ensure_function(with_roles, name)
    with_roles.client("logs").delete_retention_policy(logGroupName=f"/aws/lambda/{name}")

    functions.ensure_function(with_roles, name)

    assert cloudwatch.is_our_log_group(with_roles, name)
    assert cloudwatch.log_days(with_roles, name) == 14


def test_ensure_function_without_its_role_says_which_step_is_missing_and_makes_nothing(lab):
    with pytest.raises(StepMissing, match=r"Role TotalNotifierRole is not there\. Run 00-start-here first\."):
        functions.ensure_function(lab, "TotalNotifier")

    assert cloudwatch.find_log_group(lab, "TotalNotifier") is None


def test_ensure_function_waits_until_lambda_may_take_on_a_new_role(with_roles, monkeypatch):
    # IAM needs some seconds on AWS until Lambda sees a role; moto knows no such delay.
    lambda_, made, waits = with_roles.client("lambda"), with_roles.client("lambda").create_function, []

    def not_yet(**_):
        monkeypatch.setattr(lambda_, "create_function", made)
        message = "The role defined for the function cannot be assumed by Lambda."
        raise ClientError({"Error": {"Code": "InvalidParameterValueException", "Message": message}}, "CreateFunction")

    monkeypatch.setattr(lambda_, "create_function", not_yet)
    retry_while = functions.retry_while
    monkeypatch.setattr(functions, "retry_while", lambda *args: retry_while(*args, sleep=waits.append))

    arn = functions.ensure_function(with_roles, NAME)

    assert functions.find_function(with_roles, NAME) == arn
    assert len(waits) == 1


def test_a_function_that_lambda_could_not_set_up_says_why(with_roles, monkeypatch):
    functions.ensure_function(with_roles, NAME)
    broken = {**functions.configuration(with_roles, NAME), "State": "Failed", "StateReason": "No disk."}
    monkeypatch.setattr(functions, "configuration", lambda *_: broken)

    with pytest.raises(LabError, match="Lambda could not set up TransactionProcessor: No disk"):
        functions.ensure_function(with_roles, NAME)


def test_ensure_function_brings_a_given_function_up_to_date_and_does_not_make_it_ours(with_roles, given_function):
    assert functions.ensure_function(with_roles, NAME) == given_function

    assert functions.configuration(with_roles, NAME)["Handler"] == "transaction_processor.lambda_handler"
    assert not functions.is_ours(with_roles, NAME)


def test_what_is_absent_is_none(lab):
    assert functions.find_function(lab, NAME) is None
    assert functions.configuration(lab, NAME) is None
    assert functions.describe(lab, NAME) is None
    assert functions.is_ours(lab, NAME) is False
    assert functions.names(lab) == []
    assert functions.code(lab, NAME) == {}
    assert functions.statements(lab, NAME) == []
    assert functions.on_failure(lab, NAME) is None


def test_a_refusal_is_never_absence(with_roles, refuse):
    for refused in ("get_function_configuration", "get_function", "get_policy", "get_function_event_invoke_config"):
        refuse("lambda", refused, code="AccessDeniedException")

    for call in (
        functions.find_function,
        functions.ensure_function,
        functions.delete_function,
        functions.is_ours,
        functions.describe,
        functions.code,
        functions.statements,
        functions.on_failure,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(with_roles, NAME)


def test_delete_function_deletes_it_and_again_is_quiet(with_roles):
    functions.ensure_function(with_roles, NAME)

    functions.delete_function(with_roles, NAME)
    functions.delete_function(with_roles, NAME)

    assert functions.find_function(with_roles, NAME) is None


def test_delete_function_keeps_a_given_function(with_roles, given_function):
    functions.delete_function(with_roles, NAME)

    assert functions.find_function(with_roles, NAME) == given_function


@pytest.mark.parametrize("name", BOTH)
def test_the_package_is_the_one_file_and_the_same_bytes_each_time(name):
    source = functions.SOURCES[name]

    package = functions.package(source)

    assert package == functions.package(source)
    with zipfile.ZipFile(io.BytesIO(package)) as zipped:
        (entry,) = zipped.infolist()
        assert entry.filename == source.name
        assert zipped.read(entry) == source.read_bytes()
        assert entry.external_attr >> 16 == 0o644


@pytest.mark.parametrize("name", BOTH)
def test_the_handler_that_lambda_is_told_is_in_the_package(with_roles, name):
    module, function = functions.settings(with_roles, name)["Handler"].split(".")

    assert functions.SOURCES[name].name == f"{module}.py"
    assert f"def {function}(event, context)" in functions.SOURCES[name].read_text()


def test_invoke_sends_the_event_and_gives_the_answer(with_roles):
    functions.ensure_function(with_roles, NAME)

    assert functions.invoke(with_roles, NAME, {"Records": []}) == {"Records": []}  # moto's functions answer the event


def test_a_function_that_failed_says_why(with_roles, monkeypatch):
    # moto runs no code, so nothing fails in it.
    body = json.dumps({"errorMessage": "a.txt: it is empty", "errorType": "UnreadableFile"}).encode()
    answer = {"FunctionError": "Unhandled", "Payload": StreamingBody(io.BytesIO(body), len(body))}
    monkeypatch.setattr(with_roles.client("lambda"), "invoke", lambda **_: answer)

    with pytest.raises(LabError, match=r"TransactionProcessor failed: a.txt: it is empty"):
        functions.invoke(with_roles, NAME, {})


@pytest.mark.parametrize("name", functions.SOURCES)
def test_ensure_function_without_the_dead_letter_queue_says_which_step_is_missing(with_roles, name):
    queues.delete_queue(with_roles, queues.DEAD_LETTERS)

    with pytest.raises(StepMissing, match=r"Queue LabDeadLetters is not there\. Run 00-start-here first\."):
        functions.ensure_function(with_roles, name)

    assert functions.find_function(with_roles, name) is None


@pytest.mark.parametrize("name", BOTH)
def test_variables_are_those_of_the_settings(with_roles, name):
    assert functions.variables(with_roles, name) == functions.settings(with_roles, name)["Environment"]["Variables"]


def test_variables_of_transaction_processor_are_its_two_tables(lab):
    assert functions.variables(dataclasses.replace(lab, prefix="ana-"), NAME) == {
        "CUSTOMER_TABLE": "ana-Customer",
        "TRANSACTIONS_TABLE": "ana-Transactions",
    }


@pytest.mark.parametrize(("threshold", "text"), [("99.50", "99.50"), ("1E+3", "1000"), ("0.0000001", "0.0000001")])
def test_the_threshold_is_a_plain_number_among_the_variables(lab, threshold, text):
    lab = dataclasses.replace(lab, threshold=Decimal(threshold))

    assert functions.variables(lab, "TotalNotifier")["THRESHOLD"] == text


def test_describe_is_all_that_lambda_tells_of_the_function(with_roles, given_function):
    with_roles.client("lambda").put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=1)

    found = functions.describe(with_roles, NAME)

    assert found["Configuration"]["FunctionArn"] == given_function
    assert found["Configuration"]["PackageType"] == "Zip"
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 1}


def test_names_are_the_functions_of_the_region(with_roles):
    for name in BOTH:
        functions.ensure_function(with_roles, name)

    assert sorted(functions.names(with_roles)) == sorted(BOTH)


def test_names_are_all_there_when_they_are_more_than_a_page(lab, monkeypatch):
    # Lambda gives 50 at once; moto gives all.
    pages = {
        None: {"Functions": [{"FunctionName": "one"}], "NextMarker": "more"},
        "more": {"Functions": [{"FunctionName": "two"}]},
    }
    monkeypatch.setattr(lab.client("lambda"), "list_functions", lambda **arguments: pages[arguments.get("Marker")])

    assert functions.names(lab) == ["one", "two"]


def test_code_is_the_python_files_of_the_archive(lab, stored, zipped):
    files = {
        "lambda_function.py": "import json\n",
        "lib/": "",
        "lib/helper.py": "Ł = 1\r\n",
        "README.md": "# No code",
        "old.pyc": b"\x00",
    }
    stored(zipped(files))

    assert functions.code(lab, NAME) == {"lambda_function.py": "import json\n", "lib/helper.py": "Ł = 1\r\n"}


def test_code_that_is_no_utf8_is_read_as_well_as_it_can(lab, stored, zipped):
    stored(zipped({"lambda_function.py": b"# Caf\xe9\n"}))

    assert functions.code(lab, NAME) == {"lambda_function.py": "# Caf\ufffd\n"}


def test_code_without_python_is_none(lab, stored, zipped):
    stored(zipped({"index.js": "exports.handler = 1"}))

    assert functions.code(lab, NAME) == {}


def test_a_proxy_does_not_stand_before_the_code_in_an_emulator(lab, stored, zipped, monkeypatch):
    stored(zipped({"a.py": "1"}))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert functions.code(dataclasses.replace(lab, endpoint="http://127.0.0.1:4566"), NAME) == {"a.py": "1"}


def test_a_proxy_stands_before_the_code_in_aws(lab, stored, zipped, monkeypatch):
    proxy = stored(zipped({"a.py": "1"}), location="http://code.example/archive")
    monkeypatch.setenv("http_proxy", proxy)
    assert lab.is_real

    assert functions.code(lab, NAME) == {"a.py": "1"}


def test_code_of_a_container_image_is_not_fetched(lab, monkeypatch):
    image = {"Configuration": {"PackageType": "Image"}, "Code": {"ImageUri": "x", "RepositoryType": "ECR"}}
    monkeypatch.setattr(lab.client("lambda"), "get_function", lambda **_: image)

    assert functions.code(lab, NAME) == {}


def test_statements_are_those_of_the_functions_policy(with_roles, given_function):
    assert functions.statements(with_roles, NAME) == []
    with_roles.client("lambda").add_permission(
        FunctionName=NAME, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )

    (statement,) = functions.statements(with_roles, NAME)

    assert statement["Sid"] == "s3"
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}


def test_on_failure_is_where_transaction_processor_sends_what_it_cannot_process(with_roles):
    for name in BOTH:
        functions.ensure_function(with_roles, name)

    assert functions.on_failure(with_roles, NAME) == queues.queue_arn(with_roles, queues.DEAD_LETTERS)
    assert functions.on_failure(with_roles, "TotalNotifier") is None


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"DestinationConfig": {}},
        {"DestinationConfig": {"OnSuccess": {"Destination": "a"}}},
        {"DestinationConfig": {"OnFailure": {}, "OnSuccess": {}}},
    ],
    ids=str,
)
def test_on_failure_of_a_function_that_only_retries_is_none(lab, monkeypatch, settings):
    answer = {"MaximumRetryAttempts": 2, **settings}
    monkeypatch.setattr(lab.client("lambda"), "get_function_event_invoke_config", lambda **_: answer)

    assert functions.on_failure(lab, NAME) is None
