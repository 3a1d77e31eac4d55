"""The command line, a thin layer over the library; needs the extra ``cli``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

_PACKAGES = ("click", "rich", "tomlkit")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave Python.

    Args:
        arguments: What follows the program's name; by default those of the process.

    Raises:
        SystemExit: Always. Its code is 0 when all went well, 1 when definitions are wrong,
            2 when the call or its surroundings are, and 130 after Ctrl-C.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        message = f'the command line needs {", ".join(missing)}: pip install "segmentkit[cli]"'
        print(f"Error: {message}", file=sys.stderr)
        sys.exit(2)
    try:
        from segmentkit._cli._app import run  # noqa: PLC0415 - what it needs is optional

        code = run(arguments)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
