"""A scratch Django app whose models are alike, but for what keeps a trail of their changes: Charter, and four packages."""
