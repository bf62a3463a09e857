"""Every column that says something of a person: what for, for how long, and how it is kept. Pure."""
