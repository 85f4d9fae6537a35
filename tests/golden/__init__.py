"""Golden ledgers: small cases, each worked by hand, that the oracle and the product must both get right."""
