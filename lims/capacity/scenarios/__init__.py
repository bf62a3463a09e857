"""Scenarios: what so many cases ask of samplers, laboratories and stores, and what breaks first."""
