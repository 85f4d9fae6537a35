"""The demo generator: a believable inbox of drops, the same bytes for the same seed."""

from orchestration.demo.generator import DEFAULT_SEED, SIZES, DemoSummary, generate

__all__ = ["DEFAULT_SEED", "SIZES", "DemoSummary", "generate"]
