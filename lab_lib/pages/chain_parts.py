"""The parts of the chain: its boxes and arrows, where they stand in a picture, and how they are called."""

from typing import NamedTuple

from lab_lib.language import N_, _
from lab_lib.resources import Resource, in_chain, messages

WIDTH, TALL = 866, 46  # of a picture, and the height of a box, in pixels
QUEUES = in_chain("queue")


class Box(NamedTuple):
    """A part of the chain, and where it stands: `x` is its left edge, `y` its top."""

    service: str
    name: str
    x: int
    y: int
    width: int

    @property
    def outline(self) -> str:
        """Return the path of its border: a cylinder keeps things, a hexagon hands them on, a page is a file."""
        x, y, right, bottom, middle = self.x, self.y, self.x + self.width, self.y + TALL, self.y + TALL // 2
        if self.service in ("S3", "DynamoDB"):
            front = f"a{self.width / 2:g} 6 0 0 1 {-self.width} 0"
            back = f"a{self.width / 2:g} 6 0 0 1 {self.width} 0"
            return f"M{x} {y + 4}{back}V{bottom - 4}{front}ZM{right} {y + 4}{front}"
        if self.service == "SNS topic":
            return f"M{x} {middle}L{x + 10} {y}H{right - 10}L{right} {middle}L{right - 10} {bottom}H{x + 10}Z"
        if self.service == "file":
            return f"M{x} {y}H{right - 12}L{right} {y + 12}V{bottom}H{x}ZM{right - 12} {y}V{y + 12}H{right}"
        return f"M{x} {y}H{right}V{bottom}H{x}Z"


class Arrow(NamedTuple):
    """A link between two boxes, and its label."""

    start: str
    end: str
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.start}→{self.end}"


class Link(NamedTuple):
    """A link of the chain: how much has come through it, how much is due, and why nothing is, if nothing is.

    `note` tells of what was tried again, or came again, and `held` how many messages the queue holds.
    """

    name: str
    have: int
    want: int
    why: str = ""
    note: str = ""
    held: int | None = None

    @property
    def called(self) -> str:
        """Return its name in the user's language."""
        queue = self.name.removeprefix(messages(""))
        return _(self.name) if queue == self.name else _("messages in {}").format(queue)

    @property
    def amount(self) -> str:
        return _("{link.have:,} of {link.want:,}", link=self) if self.want else _("none is due")

    def __str__(self) -> str:
        return _(": ").join([self.called, self.amount])


_BOXES = [
    Box(N_("file"), "transactions.txt", 14, 24, 108),
    Box(N_("subscribers"), N_("e-mail, SMS"), 740, 24, 112),
    Box("S3", N_("bucket"), 154, 24, 84),
    Box("DynamoDB", "Customer", 290, 24, 96),
    Box("DynamoDB", "Transactions", 290, 112, 96),
    Box("DynamoDB", "TransactionTotal", 446, 24, 118),
    Box("Lambda", "TransactionProcessor", 112, 112, 150),
    Box("Lambda", "TotalNotifier", 446, 112, 118),
    Box(N_("SNS topic"), "HighBalanceAlert", 590, 112, 124),
    *(Box("SQS", queue, 740, 112 + 88 * number, 112) for number, queue in enumerate(QUEUES)),
]
BOXES = {box.name: box for box in _BOXES}
HEIGHT = max(box.y for box in _BOXES) + TALL + 18
ARROWS = [
    Arrow("transactions.txt", "bucket"),
    Arrow("bucket", "TransactionProcessor", "ObjectCreated"),
    Arrow("TransactionProcessor", "Customer"),
    Arrow("TransactionProcessor", "Transactions"),
    Arrow("Transactions", "TotalNotifier", N_("stream")),
    Arrow("TotalNotifier", "TransactionTotal"),
    Arrow("TotalNotifier", "HighBalanceAlert"),
    Arrow("HighBalanceAlert", "e-mail, SMS"),
    *(Arrow("HighBalanceAlert", queue) for queue in QUEUES),
]
PARTS = [*BOXES, *(arrow.name for arrow in ARROWS)]
FLOW = {  # the parts that a resource stands for, in the order in which a row comes to them; its kind and its name
    "transactions.txt→bucket": (N_("upload"), ""),
    "bucket": (N_("bucket"), ""),
    "bucket→TransactionProcessor": (N_("bucket trigger"), ""),
    "TransactionProcessor": ("function", "TransactionProcessor"),
    "Customer": ("table", "Customer"),
    "Transactions": ("table", "Transactions"),
    "Transactions→TotalNotifier": (N_("stream trigger"), ""),
    "TotalNotifier": ("function", "TotalNotifier"),
    "TransactionTotal": ("table", "TransactionTotal"),
    "HighBalanceAlert": ("topic", "HighBalanceAlert"),
    **{
        part: (kind, queue)
        for queue in QUEUES
        for part, kind in ((f"HighBalanceAlert→{queue}", "subscription"), (queue, "queue"))
    },
}


def part_of(resource: Resource) -> str:
    """Return the name of the part that stands for this resource."""
    return next((part for part, made in FLOW.items() if made == (resource.kind, resource.name)), "")


def called(part: str) -> str:
    """Return how a part of FLOW is called."""
    kind, name = FLOW[part]
    return _("subscription of {}").format(name) if kind == "subscription" else name or _(kind)


def in_words() -> str:
    """Return the chain in words."""
    return _(
        "The chain of the lab. transactions.txt goes to an S3 bucket. ObjectCreated starts the Lambda function "
        "TransactionProcessor, which writes the DynamoDB tables Customer and Transactions. The stream of Transactions "
        "starts the Lambda function TotalNotifier, which writes the table TransactionTotal and publishes to the SNS "
        "topic HighBalanceAlert. The topic sends to e-mail and SMS, and to the SQS queues {queues}.",
        queues=_(" and ").join(QUEUES),
    )
