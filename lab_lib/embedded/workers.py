"""ministack may miss what a function prints, waits for it if it prints nothing, and ends other accounts' processes.

It logs nothing of code that cannot be loaded, and waits half a second until a new or changed function is active. Goes
when it waits for the end of the output, and `_update_config` of a function ends the processes of one account. Its
functions run in processes that it calls workers.
"""

import queue
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from lab_lib.embedded import replace

_invalidate = lambda_svc.invalidate_worker
_ANSWER = "        _real_stdout.flush()\n\nrun()"  # where a worker sends its answer
_END = f"end-of-output-{secrets.token_hex(20)}"  # the last line on a worker's stderr before its answer
_SAY_END = f'        sys.stderr.flush()\n        os.write(2, b"{_END}\\n")\n'
# A worker whose server was killed would go on with what it does.
_END_WITH_SERVER = """
import os, threading, time

def _end_with(server):
    while os.getppid() == server:
        time.sleep(1)
    os._exit(1)

threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
"""
_LONGEST, _LOOK_EVERY = 2, 0.02  # seconds for a function that has closed its stderr; until one is known to be dead


def install() -> None:
    """Read all that a function prints, end only its own processes, also with this one, and activate it at once."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _ANSWER not in script:
        raise AttributeError(f"ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT has no {_ANSWER!r}")
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _END_WITH_SERVER + script.replace(_ANSWER, _SAY_END + _ANSWER))
    replace(lambda_runtime.Worker, "_drain_stderr_bounded", printed)
    replace(lambda_runtime.Worker, "invoke", with_errors_of_loading(lambda_runtime.Worker.invoke))
    replace(lambda_svc, "invalidate_worker", invalidate_own)
    replace(lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY", 0)


def with_errors_of_loading(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Return `invoke` of a worker so that it logs, as Lambda does, why code cannot be loaded."""

    def invoked(*about: Any, **settings: Any) -> Any:
        try:
            return invoke(*about, **settings)
        except RuntimeError as error:
            why = str(error).removeprefix("Worker init failed: ")
            return {"status": "error", "error": why, "trace": f"[ERROR] Runtime.ImportModuleError: {why}"}

    return invoked


def printed(worker: Any) -> str:
    """Return what the function has printed in this call."""
    lines = list[str]()
    with suppress(queue.Empty):
        while not (line := _next_line(worker)).endswith(_END):
            lines.append(line)
        lines += [text] if (text := line.removesuffix(_END)) else []
    return "\n".join(lines)


def _next_line(worker: Any) -> str:
    """Return the next line that a function has printed. queue.Empty if it is dead, or prints nothing for long."""
    end = time.monotonic() + _LONGEST
    while True:
        # ministack forgets the process of a failed call, but its thread still reads what the process has printed.
        is_last = not worker._stderr_thread.is_alive() or time.monotonic() > end
        try:
            return str(worker._stderr_queue.get(timeout=_LOOK_EVERY))
        except queue.Empty:
            if is_last:
                raise


def invalidate_own(name: str, qualifier: str | None = None, account: str = "", region: str = "") -> None:
    """End a function's processes in the caller's account only."""
    _invalidate(name, qualifier, account or get_account_id(), region or get_region())
