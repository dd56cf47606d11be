"""Write each call that is made through botocore into the file CALLS, as a line of JSON.

Another process does so if its sitecustomize.py calls `begin`; this folder must be on its PYTHONPATH.
"""

import json
import os
from pathlib import Path


def note(params, model, **_):
    """Append the call to the file; bytes, streams and times become text."""
    call = {"service": model.service_model.service_name, "operation": model.name, "params": params}
    with Path(os.environ["CALLS"]).open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(call, default=str) + "\n")


def begin():
    """From now on, each botocore session of this process writes its calls."""
    from botocore.handlers import BUILTIN_HANDLERS

    BUILTIN_HANDLERS.append(("provide-client-params", note))
