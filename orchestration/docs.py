"""The documentation of all models as one page: dbt's own, made from the project's files alone, without a database, a server or a network."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from orchestration import dbt
from orchestration.errors import ArwError
from orchestration.settings import Home

# dbt's page can load a tracker. It is switched off in the project, and the browser is told to load nothing at all, from nowhere.
POLICY = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'unsafe-inline' 'unsafe-eval' data: blob:\">"


def write(home: Home, page: Path, progress: Callable[[str], None]) -> Path:
    """Write the page; return where it is."""
    progress("parsing the dbt project")
    with tempfile.TemporaryDirectory(prefix="arw-docs-") as folder:
        text = dbt.docs(home, Path(folder)).read_text(encoding="utf-8")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(closed(text), encoding="utf-8")
    return page


def closed(text: str) -> str:
    """Return dbt's page without this machine's folders, and with an order to the browser to load nothing before anything that could."""
    text = re.sub(r'("root_path": )"[^"]*"', r"\1null", text)
    found = re.search(r"<head[^>]*>", text)
    if found is None:
        raise ArwError("dbt wrote a page without a head; nothing was written. Another version of dbt may have changed it.")
    return text[: found.end()] + POLICY + text[found.end() :]
