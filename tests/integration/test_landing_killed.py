"""A load that is killed at any of its steps: the next one gives what an undisturbed load gives, and nothing is left over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from landing import document, land, query, write_drop

from orchestration.extracts import errors, text_files

# Dies, as by `kill -9`, at the n-th time that the lake moves a file, or writes a record, to its place.
KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration import lake

left = int(sys.argv[3])

def dying(step):
    def stepped(*arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*arguments)
    return stepped

Path.replace = dying(Path.replace)
lake.sync = dying(lake.sync)
lake.load(Path(sys.argv[1]), Path(sys.argv[2]))
lake.refresh_raw(Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def inbox(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "inbox"
    rows = [document("A"), document("B", gross_amount="1.005")]
    write_drop(folder / "1", "extracted_at: 2026-01-01T00:00:00Z", documents=rows, customers="customer_id,name\nK1,One\n")
    write_drop(folder / "2", "extracted_at: 2026-01-02T00:00:00Z", documents=[document("B"), document("A", gross_amount="2")])
    return folder


def content(home: Path) -> list[list[tuple]]:
    tables = ["raw_ledger.documents", "raw_ledger.customers", "meta.rejects", "(from meta.load_audit select * exclude loaded_at)"]
    return [query(home, f"from {table} order by all") for table in tables]


@pytest.fixture(scope="module")
def undisturbed(inbox, tmp_path_factory) -> list[list[tuple]]:
    home = tmp_path_factory.mktemp("undisturbed")
    land(home, inbox)
    return content(home)


@pytest.mark.parametrize("step", [0, 1, 4, 8, 9, 10, 13])
def test_a_killed_load_is_made_up_for_by_the_next(inbox, undisturbed, tmp_path, step):
    home = tmp_path / "home"
    died = subprocess.run([sys.executable, "-c", KILLED, str(inbox), str(home), str(step)], capture_output=True, text=True, check=False)
    assert died.returncode == -9, died.stderr
    land(home, inbox)
    again = content(home)
    duplicates = [row for row in again[3] if "duplicate" in row]
    assert [*again[:3], [row for row in again[3] if row not in duplicates]] == undisturbed
    landed = {path.stem for path in (home / "lake/drops").iterdir()}
    assert {path.stem for path in (home / "lake").rglob("*.parquet")} == landed
    assert len(landed) == 2
    assert not [path for path in (home / "lake").rglob("*") if path.suffix == ".tmp" or ".staging" in path.parts]


def test_a_file_that_is_still_growing_is_refused(tmp_path, monkeypatch):
    folder = write_drop(tmp_path / "drop", documents=[document("A")])
    read = text_files._raw

    def read_while_it_grows(path):
        yield from read(path)
        with path.open("a") as file:
            file.write("D9,C1,K1,invoice,2026-01-01,2026-01-01,2026-01-31,EUR,1\n")

    monkeypatch.setattr(text_files, "_raw", read_while_it_grows)
    with pytest.raises(errors.UnreadableFile, match="it changed while it was read"):
        text_files.fingerprint(folder / "ledger/documents.csv", "ledger/documents.csv")
