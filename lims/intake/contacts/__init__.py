"""People who are followed up: cases (F0), their contacts (F1 to F3), people in quarantine; when they are tested."""
