"""The shell of the phones' app."""
