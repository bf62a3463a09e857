"""Dispatch: which laboratory a box goes to, so that all samples are finished soonest."""
