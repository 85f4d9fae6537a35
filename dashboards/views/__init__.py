"""The pages: each reads top to bottom, filters, queries, what to say when there is nothing, figures. No arithmetic, no SQL."""
