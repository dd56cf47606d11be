"""Refuse a notebook as long as something is missing that an earlier one makes."""

from lab_lib import resources
from lab_lib.aws import cleanup, functions, topics, triggers
from lab_lib.errors import BUILD_AGAIN, StepMissing
from lab_lib.lab import Lab
from lab_lib.language import _, sentences


def require(lab: Lab, *notebooks: str) -> None:
    """Raise StepMissing if a resource of these notebooks, such as "01", is not there; it names the first one.

    Raise it too if a setting was changed in notebook 00, and a resource still has the old one.
    """
    for resource in resources.RESOURCES:
        if resource.cell.notebook in notebooks:
            _require(lab, resource)
    if "01" in notebooks:
        functions.require_threshold(lab)
    for protocol, address in {"email": lab.email, "sms": lab.phone}.items():
        if "03" in notebooks and address and not triggers.find_subscription(lab, protocol, address):
            raise StepMissing(
                "{topic} does not have this lab's {protocol} address yet. Run notebook 03 once more, then this "
                "cell again.",
                topic=lab.name(topics.ALERT_TOPIC),
                protocol=protocol,
            )


def _require(lab: Lab, resource: resources.Resource) -> None:
    """Raise StepMissing if the resource is not there. Without the bucket, the account may have been forgotten."""
    try:
        resources.require(cleanup.find(lab, resource.kind, resource.name), resource.kind, resource.name)
    except StepMissing as error:
        if resource.kind != "bucket" or lab.work() is None:
            raise
        since = _("Was it there before? The embedded AWS has stopped since.")
        raise StepMissing(sentences(str(error), since, _(BUILD_AGAIN))) from None
