"""Proof that others can check offline: certificates in the HC1 format, their keys, their revocation, the sheet."""
