"""Requests of people about their data, for programs."""
