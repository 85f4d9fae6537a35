"""`python -m orchestration.demo --out DIR [--size small|medium|large|N] [--seed N]`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.demo.generator import DEFAULT_SEED, generate


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a demo inbox; progress goes to stderr, the summary to stdout."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.demo", description="Write a believable inbox of drops.")
    parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    parser.add_argument("--size", default="small", help="small, medium, large or a number of documents")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    options = parser.parse_args(arguments)
    try:
        summary = generate(options.out, options.size, options.seed, lambda message: print(message, file=sys.stderr))
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    for feed, rows in summary.row_counts.items():
        print(f"{feed:20}{rows:>12,}")
    for note in summary.deliberate:
        print(f"on purpose: {note}")
    print(f"{len(summary.drops)} drops in {summary.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
