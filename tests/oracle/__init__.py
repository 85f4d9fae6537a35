"""An independent reading of the extract contract: plain Python and Decimal, event by event, slow and obvious.

Nothing in here shares code or SQL with the product, so that an agreement between the two means something.
"""
