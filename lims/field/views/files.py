"""A phone's hand-over file, brought in at a desk."""
