"""Helpers of the Serverless Lab Workbook: `from lab_lib import open_lab` and `from lab_lib.aws import queues`."""

from lab_lib.lab import open_lab

__all__ = ["open_lab"]
