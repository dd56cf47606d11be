"""The process of the embedded AWS: ministack, with more patience for what a function prints.

ministack waits 0.05 s for it, once the function has answered. On a busy machine it comes later, and would stand in the
log of the function's next run; if there is none, whoever waits for that line waits in vain.
"""

from functools import partialmethod

from ministack.app import main
from ministack.core.lambda_runtime import Worker

# Only a function that prints nothing at all takes so long, in seconds, at each call.
Worker._drain_stderr_bounded = partialmethod(Worker._drain_stderr_bounded, first_line_wait=0.25, hard_cap=1.0)

if __name__ == "__main__":
    main()
