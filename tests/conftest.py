"""Shared by all tests: `golden` and `oracle` are importable because this folder is."""
