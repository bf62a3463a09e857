"""Which box goes to which laboratory, so that all samples are tested as soon as they can be."""
