"""What phones send: scans, hand-over files, signs of life."""
