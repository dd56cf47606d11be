"""Which definitions of state machines the embedded AWS refuses, and in what words."""

import copy
import json

import pytest

from lab_lib.embedded import definitions

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:F"
RETRY = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2}
TASK = {"Type": "Task", "Resource": FUNCTION, "End": True, "Retry": [RETRY]}
READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
    "Parameters": {"Bucket": "b", "Key.$": "$.key"},
}
MAP = {
    "Type": "Map",
    "ItemReader": READER,
    "ItemSelector": {"anything": 1},
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Part",
        "States": {"Part": TASK},
    },
    "MaxConcurrency": 8,
    "ToleratedFailurePercentage": 0,
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Tell"}],
    "Next": "Again",
}
CHOICE = {"Type": "Choice", "Default": "Done"}
CHOICE["Choices"] = [{"And": [{"Variable": "$.x", "IsPresent": True}, {"Not": {"IsNull": True}}], "Next": "All"}]
TELL = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"x.$": "$"}, "Next": "No"}
MACHINE = {
    "Comment": "everything that the lab uses, and more",
    "StartAt": "All",
    "States": {
        "All": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}],
        }
        | {"Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Map"},
        "Map": MAP,
        "Again": CHOICE,
        "Tell": TELL,
        "No": {"Type": "Fail", "Error": "Bad"},
        "Done": {"Type": "Succeed"},
    },
}
ON_AWS = "AWS has this field; the embedded AWS has not: {} at {}"
VALUE_ON_AWS = "AWS has this value of {}; the embedded AWS has not: {} at {}"
INVALID = "SCHEMA_VALIDATION_FAILED: "
UNKNOWN = INVALID + "Field '{}' is not supported at {}"
NOWHERE = "MISSING_TRANSITION_TARGET: Missing 'Next' target: {} at {}"
MAP_AT, PROCESSOR = ("States", "Map"), ("States", "Map", "ItemProcessor")
INNER = (*PROCESSOR, "States", "Part")
ECS = "arn:aws:states:::ecs:runTask.sync"
REFUSED = {  # where something is put into the definition above, what it is, and the sentence
    "JSONata": (
        INNER,
        {"QueryLanguage": "JSONata", "Arguments": {}},
        VALUE_ON_AWS.format("QueryLanguage", "JSONata", "/States/Map/ItemProcessor/States/Part/QueryLanguage"),
    ),
    "ItemBatcher": (MAP_AT, {"ItemBatcher": {"MaxItemsPerBatch": 2}}, ON_AWS.format("ItemBatcher", "/States/Map")),
    "ResultWriter": (MAP_AT, {"ResultWriter": {}}, ON_AWS.format("ResultWriter", "/States/Map")),
    "timeout": ((), {"TimeoutSeconds": 1}, ON_AWS.format("TimeoutSeconds", "/")),
    "jitter": (
        (*INNER, "Retry", 0),
        {"JitterStrategy": "FULL"},
        ON_AWS.format("JitterStrategy", "/States/Map/ItemProcessor/States/Part/Retry[0]"),
    ),
    "variable": (("States", "Map", "Catch", 0), {"Assign": {}}, ON_AWS.format("Assign", "/States/Map/Catch[0]")),
    "express child": (
        (*PROCESSOR, "ProcessorConfig"),
        {"ExecutionType": "EXPRESS"},
        VALUE_ON_AWS.format("ExecutionType", "EXPRESS", "/States/Map/ItemProcessor/ProcessorConfig/ExecutionType"),
    ),
    "service": (("States", "Tell"), {"Resource": ECS}, VALUE_ON_AWS.format("Resource", ECS, "/States/Tell/Resource")),
    "field": ((), {"Coment": ""}, UNKNOWN.format("Coment", "/")),
    "field of another state": (("States", "Wait"), {"Catch": []}, UNKNOWN.format("Catch", "/States/Wait")),
    "field of a processor": (PROCESSOR, {"Mode": "INLINE"}, UNKNOWN.format("Mode", "/States/Map/ItemProcessor")),
    "field of a reader": (
        (*MAP_AT, "ItemReader", "ReaderConfig"),
        {"Delimiter": "PIPE"},
        UNKNOWN.format("Delimiter", "/States/Map/ItemReader/ReaderConfig"),
    ),
    "field of a catcher": (("States", "Map", "Catch", 0), {"End": True}, UNKNOWN.format("End", "/States/Map/Catch[0]")),
    "operator": (
        ("States", "Again", "Choices", 0, "And", 0),
        {"NumericEqual": 1},
        UNKNOWN.format("NumericEqual", "/States/Again/Choices[0]/And[0]"),
    ),
    "distributed field in an inline map": (
        (*PROCESSOR, "ProcessorConfig"),
        {"Mode": "INLINE"},
        ", ".join(UNKNOWN.format(name, "/States/Map") for name in ("ItemReader", "ToleratedFailurePercentage")),
    ),
    "Next": (MAP_AT, {"Next": "Gone"}, NOWHERE.format("Gone", "/States/Map/Next")),
    "Catch": (("States", "Map", "Catch", 0), {"Next": "Gone"}, NOWHERE.format("Gone", "/States/Map/Catch[0]/Next")),
    "StartAt": (PROCESSOR, {"StartAt": "Gone"}, NOWHERE.format("Gone", "/States/Map/ItemProcessor/StartAt")),
    "unreachable": (
        ("States",),
        {"Lost": {"Type": "Succeed"}},
        'MISSING_TRANSITION_TARGET: State "Lost" is not reachable. at /States/Lost',
    ),
    "neither Next nor End": (
        ("States", "Wait"),
        {"Next": None},
        INVALID + "There should be one of the following fields: [Next, End] at /States/Wait",
    ),
    "no end": (INNER, {"End": None, "Next": "Part"}, "MISSING_END_STATE: Workflow has no terminal state at null"),
    "missing field": (PROCESSOR, {"States": None}, INVALID + "These fields are required: [States] at"),
    "no kind of children": (
        (*PROCESSOR, "ProcessorConfig"),
        {"ExecutionType": None},
        INVALID + "These fields are required: [ExecutionType] at /States/Map/ItemProcessor/ProcessorConfig",
    ),
    "type": (
        ("States", "Wait"),
        {"Type": "Sleep"},
        INVALID + "The field 'Type' should have one of these values: [Task, W",
    ),
    "resource": (
        ("States", "Tell"),
        {"Resource": "F"},
        INVALID + "The resource provided F is not recognized. The value",
    ),
    "no object": (("States",), {"Wait": []}, INVALID + "The field 'Type' should have one of these values"),
    "no list": (MAP_AT, {"Retry": [1]}, INVALID + "Expected value of type Object at /States/Map/Retry[0]"),
}


def changed(path, more):
    """Return the definition with these fields at a place of it; without those that are None."""
    machine = copy.deepcopy(MACHINE)
    part = machine
    for name in path:
        part = part[name]
    part |= more
    for name in [name for name in more if more[name] is None]:
        del part[name]
    return json.dumps(machine)


def test_a_definition_with_all_that_the_embedded_aws_has_is_accepted():
    assert definitions.refusal(json.dumps(MACHINE)) is None


@pytest.mark.parametrize("name", REFUSED)
def test_a_definition_is_refused_in_one_sentence_that_says_where_and_why(name):
    path, more, sentence = REFUSED[name]

    refusal = definitions.refusal(changed(path, more))

    assert refusal.startswith(f"Invalid State Machine Definition: '{sentence}")


@pytest.mark.parametrize("text", ["{", "[]", '{"StartAt": 1, "States": 2}', '{"StartAt": "A", "States": {"A": null}}'])
def test_what_is_no_definition_is_refused_too(text):
    assert definitions.problems(text)
