"""Reading what the resources are made of, for many at once, in the same number of statements."""
