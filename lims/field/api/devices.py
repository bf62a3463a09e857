"""Enrolling a phone, and the packet that travels to it."""
