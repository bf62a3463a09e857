"""The public page that checks certificates: one file that works from a disk, without a network."""
