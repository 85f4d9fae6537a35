"""Reproducible chance: whole numbers drawn from a seed, a stream's name and an index.

The same triple always gives the same number, on every machine and in every version of every library:
a row's draw depends neither on how many rows were drawn before it nor on how the work was split.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class Chance:
    """Draws whole numbers (the splitmix64 finaliser over a counter)."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def _bits(self, stream: str, index: Ints) -> NDArray[np.uint64]:
        digest = hashlib.sha256(f"{self.seed}:{stream}".encode()).digest()
        state = np.uint64(int.from_bytes(digest[:8], "little"))
        with np.errstate(over="ignore"):
            z = (index.astype(np.uint64) + np.uint64(1)) * _GOLDEN + state
            z = (z ^ (z >> np.uint64(30))) * _MIX_1
            z = (z ^ (z >> np.uint64(27))) * _MIX_2
            return z ^ (z >> np.uint64(31))

    def below(self, stream: str, index: Ints, bound: int | Ints) -> Ints:
        """Return numbers in [0, bound), one for each index; a bound may be given for each."""
        drawn = (self._bits(stream, index) >> np.uint64(12)).astype(np.int64)
        result: Ints = drawn % bound
        return result

    def between(self, stream: str, index: Ints, low: int, high: int) -> Ints:
        """Return numbers in [low, high], both included."""
        return low + self.below(stream, index, high - low + 1)

    def often(self, stream: str, index: Ints, per_mille: int | Ints) -> Flags:
        """Return true for `per_mille` of a thousand indexes."""
        return self.below(stream, index, 1000) < per_mille

    def bell(self, stream: str, index: Ints, spread: int | Ints) -> Ints:
        """Return numbers around 0, in [-2 * spread, 2 * spread], the middle most often (a sum of four draws)."""
        total = np.zeros(len(index), dtype=np.int64)
        for part in range(4):
            total += self.below(f"{stream}/{part}", index, 1001)
        result: Ints = (total - 2000) * spread // 1000
        return result

    def pick(self, stream: str, index: Ints, weights: list[int]) -> Ints:
        """Return positions in `weights`, each as often as its weight says."""
        edges = np.cumsum(np.array(weights, dtype=np.int64))
        result: Ints = np.searchsorted(edges, self.below(stream, index, int(edges[-1])), side="right")
        return result.astype(np.int64)
