"""The coordinator's page, live."""
