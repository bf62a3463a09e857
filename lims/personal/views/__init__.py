"""Pages on which people see what is kept of them, and on which requests are handled."""
