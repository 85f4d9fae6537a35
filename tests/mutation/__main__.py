"""`make mutate`: does a test tell each wrong change of the models from the right thing?

Each mutant is a copy of the project with one line changed. It is compiled, derives the golden inboxes in one DuckDB process, and is held against the cases
worked by hand and against what the marts must agree on among themselves. The first difference kills it. What no difference kills has survived, and is named.

    python -m mutation [--only WORD]      from tests/; writes docs/mutations.md unless --only picks some
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from golden.inboxes import INBOXES
from running import ROOT

from mutation.mutants import MUTANTS, Mutant
from orchestration import lake

COPIED = ("models", "dbt_project", "seeds", "orchestration", "tests/dbt")
AT_ONCE = 2
SECONDS = 600


def main() -> int:
    """Try every mutant; return 1 if one survived that is not argued to be equivalent."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--only", default="", help="mutants whose file or description holds this word")
    chosen = [mutant for mutant in MUTANTS if (word := parser.parse_args().only) in mutant.what or word in mutant.file]
    with tempfile.TemporaryDirectory(prefix="arw-mutants-") as scratch:
        homes = Path(scratch) / "homes"
        for inbox in INBOXES:
            lake.load(inbox.write(Path(scratch) / "inboxes" / inbox.name), homes / inbox.name)
        benches: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            benches.put(_copy_of_the_project(Path(scratch) / f"bench{number}"))
        if unchanged := _judge(None, benches, homes):
            print(f"the project as it stands does not pass: {unchanged}", file=sys.stderr)
            return 1
        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = pool.map(lambda mutant: _tell(mutant, _judge(mutant, benches, homes)), chosen)
            verdicts = list(zip(chosen, told, strict=True))
    survivors = [mutant for mutant, verdict in verdicts if not verdict and not mutant.equivalent]
    if chosen == MUTANTS:
        (ROOT / "docs" / "mutations.md").write_text(page(verdicts), encoding="utf-8")
    print(f"{len(verdicts) - len(survivors)} of {len(verdicts)} killed or equivalent, {len(survivors)} survived")
    return 1 if survivors else 0


def page(verdicts: list[tuple[Mutant, str]]) -> str:
    """Return the page on what became of each mutant; ``verdicts``: the difference that killed it, empty where none did."""
    killed = sum(bool(verdict) for _, verdict in verdicts)
    lines = [
        "# Mutations of the models",
        "",
        "Written by `make mutate`; do not edit. Each row is a wrong change of one place of a model, a macro or the settlement, tried against the",
        "golden cases and what the marts must agree on among themselves. What only other tests can tell (audit, data tests, the oracle on random",
        "ledgers) counts as survived here.",
        "",
        f"{killed} of {len(verdicts)} killed.",
        "",
        "| file | wrong change | verdict |",
        "|---|---|---|",
    ]
    for mutant, verdict in verdicts:
        said = "killed" if verdict else f"equivalent: {mutant.equivalent}" if mutant.equivalent else "**survived**"
        lines.append(f"| {Path(mutant.file).name} | {mutant.what} | {said} |")
    return "\n".join(lines) + "\n"


def _tell(mutant: Mutant, verdict: str) -> str:
    print(f"{'killed  ' if verdict else 'SURVIVED'} {Path(mutant.file).name}: {mutant.what} {verdict[:120]}", flush=True)
    return verdict


def _copy_of_the_project(bench: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, bench / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, bench / "project" / name)
    return bench


def _judge(mutant: Mutant | None, benches: SimpleQueue[Path], homes: Path) -> str:
    """Return the first difference that the change makes in a copy of the project; empty if there is none. What dbt parsed stays with the copy."""
    bench = benches.get()
    project = bench / "project"
    if mutant:
        (project / mutant.file).write_text(mutant.apply(ROOT), encoding="utf-8")
    # The copy's own `orchestration` comes first: the settlement is part of what may be wrong. Bytecode of one change must not serve the next.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project), str(ROOT / "tests")]), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "mutation.verdict", str(project), str(homes)]
    try:
        done = subprocess.run(command, cwd=bench, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    finally:
        if mutant:
            shutil.copy(ROOT / mutant.file, project / mutant.file)
        benches.put(bench)
    return str(json.loads(done.stdout)) if done.returncode == 0 else f"it cannot be derived: {done.stderr.strip().splitlines()[-1:]}"


if __name__ == "__main__":
    sys.exit(main())
