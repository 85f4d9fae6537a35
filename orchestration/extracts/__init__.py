"""Landing: from the files that a ledger or a CRM exported to typed rows, or to a reason why not."""
