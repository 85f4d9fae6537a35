"""What the warehouse costs, measured against a bare DuckDB process on the same files: `make bench`."""
