"""Sets the pages in a process of its own: typst keeps everything that it has ever laid out, so that a process with many reports would never stop growing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("pages.typ")


class CannotBeSet(ValueError):
    """The pages could not be set; the message is typst's."""


def typeset(path: Path, content: dict[str, Any], created: datetime, *, is_tagged: bool) -> list[tuple[str, str, str]]:
    """Write the PDF of ``content``; return company, currency and amount of each total as it was set."""
    request = {"data": json.dumps(content, ensure_ascii=False), "path": str(path), "created": created.isoformat(), "is_tagged": is_tagged}
    done = subprocess.run([sys.executable, "-m", "orchestration.reports.typeset"], input=json.dumps(request), capture_output=True, text=True, check=False)
    if done.returncode:
        last_words = done.stderr.strip().splitlines() or [f"it was ended by signal {-done.returncode}, most likely for its memory"]
        raise CannotBeSet(f"the PDF could not be set: {last_words[-1]}")
    return [(company, currency, amount) for company, currency, amount in json.loads(done.stdout)]


def _serve(request: dict[str, Any]) -> list[list[str]]:
    """In the child: set the pages and say what the totals read."""
    import typst

    compiler = typst.Compiler(input=TEMPLATE, root=TEMPLATE.parent, sys_inputs={"data": request["data"]})
    shown: list[list[str]] = json.loads(compiler.query("<shown>", field="value"))
    compiler.compile(output=request["path"], format="pdf", timestamp=datetime.fromisoformat(request["created"]), pdf_tags=request["is_tagged"])
    return shown


if __name__ == "__main__":
    print(json.dumps(_serve(json.load(sys.stdin))))
