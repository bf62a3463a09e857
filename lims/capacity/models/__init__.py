"""Tables of this package: what is counted, planned, raised and reported. It writes no others."""

from lims.capacity.models import alarms, counts, dispatch, reports, scenarios

__all__ = ["alarms", "counts", "dispatch", "reports", "scenarios"]
