"""Let an error of a function keep its name, as Lambda does. ministack calls each one Runtime.HandlerError."""

from typing import Any

from ministack.services import lambda_svc

_MARK = "\0"  # stands behind the name of an error, in its message from the function's process
_execute = lambda_svc._execute_function_warm


def execute(*call: Any) -> dict[str, Any]:
    """Call a function. An error in its answer has the name that the function's process gives."""
    answer: dict[str, Any] = _execute(*call)
    message = answer["body"].get("errorMessage", "") if answer.get("error") else ""
    if _MARK in message:
        name, _, text = message.partition(_MARK)
        answer["body"] = {"errorMessage": text, "errorType": name}
    return answer
