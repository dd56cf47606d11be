"""Python imports this module when it starts, if this folder is on PYTHONPATH."""

from tests.aws_delays import layer

layer.begin()
