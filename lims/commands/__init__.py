"""Commands that belong to no package: the server, the database, the chain of custody, printed codes."""
