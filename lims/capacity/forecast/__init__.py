"""What will be released when: a discrete-event simulation (SimPy) from plain values. Pure but for its random numbers,
which follow from a seed."""
