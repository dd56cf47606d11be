"""Helpers of the Serverless Lab Workbook. Import the rooms by name: `from lab_lib import queues`."""
