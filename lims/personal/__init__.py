"""What is a person's own: reading it, having it corrected, restricted or erased, and how long it is kept."""
