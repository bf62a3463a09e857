"""The demonstration: a campaign played through the actions, the same each time for the same seed."""
