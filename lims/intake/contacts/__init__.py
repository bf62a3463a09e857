"""People who are followed up: cases (F0), their contacts (F1 to F3), people in quarantine, and the days of their tests."""
