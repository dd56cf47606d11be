"""Name the cells that mend what a check finds, by their notebook and heading."""

from typing import NamedTuple

from lab_lib.aws import functions, tables
from lab_lib.aws.queues import DEAD_LETTERS


class Cell(NamedTuple):
    """A cell of the lab: the number of its notebook, and the heading above it."""

    notebook: str
    heading: str

    def __str__(self) -> str:
        return f'"{self.heading}" in notebook {self.notebook}'


BUCKET = Cell("00", "Make the bucket")
TABLES = {
    **dict.fromkeys(tables.KEYS, Cell("00", "Make the tables")),
    "TransactionTotal": Cell("00", "Make the table TransactionTotal"),
}
ROLES = Cell("00", "Give each function a role")
FUNCTIONS = {name: Cell("01", f"Create {name}") for name in functions.SOURCES}
BUCKET_TRIGGER = Cell("02", "Let the bucket start TransactionProcessor")
STREAM_TRIGGER = Cell("02", "Let the stream start TotalNotifier")
TOPIC = Cell("03", "Create the topic")
PEOPLE = Cell("03", "Subscribe yourself")
CONFIRMATION = Cell("03", "Confirm the e-mail so that it stays")
QUEUES = {
    "CustomerNotify": Cell("04", "Create the queue CustomerNotify"),
    "CreditCollection": Cell("04", "Create CreditCollection and subscribe it"),
    DEAD_LETTERS: Cell("00", "Keep a place for what cannot be processed"),
}
SUBSCRIPTIONS = {**QUEUES, "CustomerNotify": Cell("04", "Subscribe CustomerNotify to the topic")}
UPLOAD = Cell("05", "Upload the file")
CLEAN_UP = Cell("99", "Delete it")
