"""Notes each call that is made through botocore: with which operation, of which service, and with which parameters.

Another process notes them in a file, if this folder is its PYTHONPATH and CALLS names the file: sitecustomize.py there
begins with it, whatever the process then runs.
"""

import json
import os
from pathlib import Path


def note(params, model, **_):
    """Append the call to the file; bytes, streams and times in it become text."""
    call = {"service": model.service_model.service_name, "operation": model.name, "params": params}
    with Path(os.environ["CALLS"]).open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(call, default=str) + "\n")


def begin():
    """From now on, each session of this process notes its calls."""
    from botocore.handlers import BUILTIN_HANDLERS

    BUILTIN_HANDLERS.append(("provide-client-params", note))
