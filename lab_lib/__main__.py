"""Where the command `lab` begins, also as `python -m lab_lib`."""

import os
import sys


def main() -> None:
    """Load the commands, and let them do the rest. Ctrl-C meanwhile, which takes half a second, ends quietly too.

    Only their owner can read the files that the commands, JupyterLab and the kernels write.
    """
    os.umask(0o077)
    try:
        from lab_lib.cli.main import app
    except KeyboardInterrupt:
        sys.exit(130)  # terminal.INTERRUPTED, which is not loaded yet
    app()


if __name__ == "__main__":
    main()
