"""A check in each state."""

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import State

GOOD = Check("topic", "03", "topic", State.OK, "HighBalanceAlert", "HighBalanceAlert", "Create the topic.")
BAD = Check("queue", "04", "queue", State.NOT_YET, "[b]not there[/]", "CustomerNotify", "Run the cell that makes it.")
UNSEEN = Check("policy", "04", "policy", State.CANNOT_SEE, "GetQueueAttributes is refused", "to be seen", "Look there.")
WAITING = Check("sse", "04", "encryption", State.WAITS, "waits for queue", "queue first", "See to that.", cause="queue")
MORE = Check("retention", "further", "retention", State.COULD_BE, "for ever", "some days", "Set the retention.")
