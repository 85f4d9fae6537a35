"""The weekly report: its context is frozen with the snapshot, its files are written from what was frozen."""
