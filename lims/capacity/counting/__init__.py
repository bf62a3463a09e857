"""Counting: what one thing adds to which figure, folded from what was changed, and recounted from all there is."""
