"""Run the documentation's notebooks, cell by cell, in this process.

``python -m tests.notebooks`` runs them and writes their outputs anew.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

PATHS = sorted(Path(__file__).parents[1].glob("docs/*.ipynb"))

Output = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """A notebook."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def ran(notebook: Mapping[str, Any]) -> list[list[Output]]:
    """What each cell of code gives, when they are run in order by somebody who has just begun.

    Raises:
        Exception: What a cell raises.
    """
    shell = InteractiveShell()
    shell.display_pub = CapturingDisplayPublisher()
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [_ran(shell, _text(cell["source"])) for cell in code]


def _ran(shell: InteractiveShell, source: str) -> list[Output]:
    results: list[Output] = []

    def shown(value: object) -> None:
        if value is not None:
            data, _ = shell.display_formatter.format(value)
            results.append({"output_type": "execute_result", **_data(data)})

    shell.display_trap.hook = shown
    shell.display_pub.outputs.clear()
    said, complained = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(complained):
        done = shell.run_cell(source, store_history=False)
    done.raise_error()
    streams = [
        {"output_type": "stream", "name": name, "text": _lines(stream.getvalue())}
        for name, stream in (("stdout", said), ("stderr", complained))
        if stream.getvalue()
    ]
    shows = [
        {"output_type": "display_data", **_data(each["data"])} for each in shell.display_pub.outputs
    ]
    return [*streams, *shows, *results]


def _data(found: Mapping[str, Any]) -> dict[str, Any]:
    data = {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else _lines(value)
        for kind, value in sorted(found.items())
    }
    return {"data": data, "metadata": {}}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def main() -> None:
    """Run every notebook, and write what its cells give."""
    for path in PATHS:
        notebook = read(path)
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                outputs = iter(ran(notebook))
            finally:
                os.chdir(here)
        count = 0
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                found = next(outputs)
                for each in found:
                    if each["output_type"] == "execute_result":
                        each["execution_count"] = count
                cell |= {"execution_count": count, "outputs": found}
        text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
