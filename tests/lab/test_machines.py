"""Step Functions on the embedded AWS: what a machine's role may do, what errors are called, how much data passes."""

import json

import pytest
from botocore.exceptions import ClientError
from chains import create_function

from lab_lib.aws import policies
from lab_lib.lab import open_lab
from lab_lib.waiting import wait_until

# Each call says what it does, so that nothing waits for its log.
CODE = """
def handler(event, context):
    print(event)
    if event.get("error"):
        raise type(event["error"], (Exception,), {})("why")
    return "x" * event.get("length", 1)
"""
INVOKE, START = "lambda:InvokeFunction", "states:StartExecution"
TASK = {"Type": "Task", "End": True, "Parameters": {"FunctionName": "Worker", "Payload.$": "$"}}
TASK["Resource"] = "arn:aws:states:::lambda:invoke"
CAUGHT = {"Type": "Pass", "Result": "caught", "End": True}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
MAP = {"Type": "Map", "End": True, "MaxConcurrency": 2}


class Machines:
    """Step Functions in one account, with a function and a role that may call it."""

    def __init__(self, lab):
        self.lab = lab
        self.client = lab.session.client("stepfunctions", endpoint_url=lab.endpoint)  # the lab's waits for a new role
        create_function(lab, "Worker", CODE, self.role("Worker", "lambda", "sqs:ListQueues"), Timeout=30)
        self.function = lab.arn("lambda", "function:Worker")
        self.allowed = self.role("Allowed", "states", INVOKE, START)

    def role(self, name, service, *actions):
        """Return the ARN of a new role that this service may assume."""
        iam, trust = self.lab.client("iam"), json.dumps(policies.trust(service))
        policy = json.dumps(policies.document(policies.allow([*actions], "*")))
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="lab", PolicyDocument=policy)
        return role

    def machine(self, name, *states, role=""):
        """Return the ARN of a machine with these states, called A, B and so on; there is one of each name."""
        definition = json.dumps({"StartAt": "A", "States": dict(zip("AB", states, strict=False))})
        arn = self.lab.arn("states", f"stateMachine:{name}")
        try:
            self.client.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role or self.allowed)
        except self.client.exceptions.StateMachineDoesNotExist:
            self.client.create_state_machine(name=name, definition=definition, roleArn=role or self.allowed)
        return arn

    def ended(self, execution):
        """Return the description of an execution when it has ended."""

        def ended():
            answer = self.client.describe_execution(executionArn=execution)
            return answer if answer["status"] != "RUNNING" else None

        return wait_until(ended, "the execution to end", timeout=60)

    def run(self, *states, event=None, role=""):
        """Return how an execution of these states ends."""
        machine = self.machine("Tried", *states, role=role)
        started = self.client.start_execution(stateMachineArn=machine, input=json.dumps(event or {}))
        return self.ended(started["executionArn"])


@pytest.fixture(scope="module")
def machines(new_account):
    return Machines(open_lab(account=new_account()))


def over(*children, **settings):
    """Return a Distributed Map with these states for each child."""
    processor = {"ProcessorConfig": DISTRIBUTED, "StartAt": "A", "States": dict(zip("AB", children, strict=False))}
    return MAP | {"ItemProcessor": processor} | settings


def asking(resource, **params):
    return {"Type": "Task", "End": True, "Resource": f"arn:aws:states:::{resource}", "Parameters": params}


def test_a_machine_can_be_made_changed_tagged_listed_and_deleted(machines):
    client, tags = machines.client, [{"key": "lab", "value": "x"}]
    machine = machines.machine("Made", CAUGHT)

    client.tag_resource(resourceArn=machine, tags=tags)
    machines.machine("Made", {**CAUGHT, "Comment": "changed"})
    described = client.describe_state_machine(stateMachineArn=machine)

    assert machine == machines.lab.arn("states", "stateMachine:Made")
    assert "changed" in described["definition"]
    assert client.list_tags_for_resource(resourceArn=machine)["tags"] == tags
    assert machine in [each["stateMachineArn"] for each in client.list_state_machines()["stateMachines"]]
    client.delete_state_machine(stateMachineArn=machine)
    assert machine not in [each["stateMachineArn"] for each in client.list_state_machines()["stateMachines"]]


def test_a_distributed_map_gives_each_item_a_child_and_joins_their_answers(machines):
    task = {"Type": "Task", "Resource": machines.function, "End": True}

    ended = machines.run(over(task), event=[{"length": 3}, {"length": 1}])

    assert json.loads(ended["output"]) == ["xxx", "x"]
    run = machines.client.list_map_runs(executionArn=ended["executionArn"])["mapRuns"][0]["mapRunArn"]
    assert machines.client.describe_map_run(mapRunArn=run)["itemCounts"]["succeeded"] == 2
    assert len(machines.client.list_executions(mapRunArn=run)["executions"]) == 2


DENIED = {  # the name of the error, and the action; what a machine does that may only list queues
    "function": ("Lambda.AWSLambdaException", INVOKE, lambda machines: TASK | {"Resource": machines.function}),
    "map": ("States.Permissions", START, lambda _: over(CAUGHT)),
    "queue": (
        "SQS.AmazonSQSException",
        "sqs:SendMessage",
        lambda machines: asking("sqs:sendMessage", QueueUrl=machines.lab.arn("sqs", "Q"), MessageBody="x"),
    ),
    "topic": (
        "SNS.AuthorizationErrorException",
        "sns:Publish",
        lambda machines: asking("sns:publish", TopicArn=machines.lab.arn("sns", "T"), Message="x"),
    ),
    "item": (
        "DynamoDB.AmazonDynamoDBException",
        "dynamodb:PutItem",
        lambda _: asking("dynamodb:putItem", TableName="T", Item={"Id": {"S": "x"}}),
    ),
    "SDK": ("Lambda.LambdaException", "lambda:ListFunctions", lambda _: asking("aws-sdk:lambda:listFunctions")),
    "nested": (
        "StepFunctions.AWSStepFunctionsException",
        START,
        lambda machines: asking("states:startExecution", StateMachineArn=machines.lab.arn("states", "stateMachine:M")),
    ),
}


@pytest.fixture(scope="module")
def powerless(machines):
    return machines.role("Powerless", "states", "sqs:ListQueues")


@pytest.mark.parametrize("call", DENIED)
def test_a_machine_does_only_what_its_role_may_do(machines, powerless, call):
    error, action, state = DENIED[call]

    ended = machines.run(state(machines), role=powerless)

    assert (ended["status"], ended["error"]) == ("FAILED", error)
    who = f"User: arn:aws:sts::{machines.lab.account}:assumed-role/Powerless/StepFunctions is not authorized to perform"
    assert ended["cause"].startswith(f"{who}: {action} on resource: ")


def test_an_item_reader_reads_what_the_role_may_read(machines, powerless):
    bucket = f"items-{machines.lab.account}"
    machines.lab.client("s3").create_bucket(Bucket=bucket)
    machines.lab.client("s3").put_object(Bucket=bucket, Key="items.json", Body=b'["a", "b"]')
    reader = asking("s3:getObject", Bucket=bucket, Key="items.json") | {"ReaderConfig": {"InputType": "JSON"}}
    state = over(CAUGHT, ItemReader={name: reader[name] for name in ("Resource", "Parameters", "ReaderConfig")})
    reading = machines.role("Reading", "states", START, "s3:GetObject")

    assert json.loads(machines.run(state, role=reading)["output"]) == ["caught", "caught"]
    assert machines.run(state)["error"] == "States.ItemReaderFailed"


def test_a_message_that_is_no_text_is_sent_as_json(machines):
    sqs, sending = machines.lab.client("sqs"), machines.role("Sending", "states", "sqs:SendMessage")
    queue = sqs.create_queue(QueueName="Letters")["QueueUrl"]
    send = asking("sqs:sendMessage", QueueUrl=queue, **{"MessageBody.$": "$"})

    assert "MessageId" in json.loads(machines.run(send, event={"key": "x"}, role=sending)["output"])

    assert json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"]) == {"key": "x"}


@pytest.mark.parametrize("role", ["Worker", "Nobody"])
def test_a_role_that_step_functions_may_not_assume_is_refused(machines, role):
    arn = machines.lab.arn("iam", f"role/{role}").replace("us-east-1", "")

    with pytest.raises(ClientError, match="nor the regional one is authorized to assume the provided role") as error:
        machines.machine("Refused", CAUGHT, role=arn)

    assert error.value.response["Error"]["Code"] == "AccessDeniedException"


def test_an_error_of_a_function_keeps_its_name(machines):
    catching = TASK | {"Catch": [{"ErrorEquals": ["Replaced"], "Next": "B"}]}

    answer = machines.lab.client("lambda").invoke(FunctionName="Worker", Payload='{"error": "Replaced"}')

    assert json.load(answer["Payload"])["errorType"] == "Replaced"
    assert json.loads(machines.run(catching, CAUGHT, event={"error": "Replaced"})["output"]) == "caught"
    ended = machines.run(catching, CAUGHT, event={"error": "Other"})
    assert (ended["error"], json.loads(ended["cause"])["errorMessage"]) == ("Other", "why")


def test_a_definition_is_refused_before_anything_runs(machines):
    broken = {**CAUGHT, "ItemBatcher": {}}

    with pytest.raises(machines.client.exceptions.InvalidDefinition, match="Field 'ItemBatcher' is not supported at"):
        machines.machine("Broken", broken)

    definition = json.dumps({"StartAt": "A", "States": {"A": broken}})
    assert machines.client.validate_state_machine_definition(definition=definition)["result"] == "FAIL"


@pytest.mark.parametrize("text", ["{", json.dumps("x" * (262_145 - 2)), json.dumps("é" * 131_072, ensure_ascii=False)])
def test_an_input_of_more_than_256_kib_or_that_is_no_json_is_refused(machines, text):
    machine = machines.machine("Tried", CAUGHT)

    with pytest.raises(machines.client.exceptions.InvalidExecutionInput, match="at most 262144 bytes"):
        machines.client.start_execution(stateMachineArn=machine, input=text)


def test_data_of_more_than_256_kib_ends_an_execution_and_states_all_does_not_catch_it(machines):
    task = {"Type": "Task", "Resource": machines.function, "End": True}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    named = [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "B"}]
    most, half = 262_144 - len('""'), 131_072 - len('"",')

    assert machines.run(task, event={"length": most})["status"] == "SUCCEEDED"
    assert (
        machines.run(task | {"Catch": catch}, CAUGHT, event={"length": most + 1})["error"] == "States.DataLimitExceeded"
    )
    assert machines.run(task | {"Catch": named}, CAUGHT, event={"length": most + 1})["output"] == '"caught"'
    children = [{"length": half}, {"length": half}]
    assert machines.run(over(task, Catch=catch), CAUGHT, event=children)["error"] == "States.DataLimitExceeded"


def test_the_same_start_again_changes_nothing_and_a_running_execution_is_work(machines):
    client, wait = machines.client, {"Type": "Wait", "Seconds": 60, "End": True}
    start = {"stateMachineArn": machines.machine("Waiting", wait), "name": "once"}
    exists = client.exceptions.ExecutionAlreadyExists

    first, again = (client.start_execution(**start, input='{"x": 1}') for _ in range(2))
    busy = machines.lab.work().busy
    with pytest.raises(exists):
        client.start_execution(**start, input='{"x": 2}')
    client.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(exists):
        client.start_execution(**start, input='{"x": 1}')

    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    assert (busy, machines.lab.work().busy) == (1, 0)
