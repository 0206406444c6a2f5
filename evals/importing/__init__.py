"""Results that another harness measured come in as evaluations at the assurance level *imported*: one file a format."""
