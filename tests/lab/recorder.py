"""Write each call that is made through botocore into the file CALLS: a line of JSON.

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
    """Let each botocore session of this process write its calls, as they are when all handlers are done."""
    from botocore.handlers import BUILTIN_HANDLERS, REGISTER_LAST

    BUILTIN_HANDLERS.append(("before-parameter-build", note, REGISTER_LAST))


def environment(folder, *others):
    """Return the variables that let another Python process write its calls to the file `calls` of this folder.

    `others` are modules of this folder that begin in that process, too.
    """
    begin = [f"import {name}\n{name}.begin()\n" for name in (*others, "recorder")]
    (folder / "sitecustomize.py").write_text("".join(begin))
    return {"PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parent}", "CALLS": str(folder / "calls")}


def calls(folder):
    """Return the calls that were written there."""
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]
