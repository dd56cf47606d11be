"""Python imports this module when it starts, if this folder is on PYTHONPATH."""

import os
import traceback

try:
    from tests.aws_delays import layer

    layer.begin()
except BaseException:  # noqa: BLE001  # Python would go on, without the layer
    traceback.print_exc()
    os._exit(1)
