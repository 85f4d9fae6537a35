"""The Dagster assets, thin: each calls the function of `orchestration.pipeline` that the command line calls, and says what came of it.

Nothing here postpones annotations: Dagster reads the type of an asset's configuration from the function.
"""
