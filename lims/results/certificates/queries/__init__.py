"""What is read of signing keys and certificates."""
