"""What is done with signing keys and certificates."""
