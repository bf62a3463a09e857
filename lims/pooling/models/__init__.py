"""The laboratory's tables, by thing: assays and lots, pools and extractions, runs with all that was read.

A single test, a retest and a confirmation are pools of one tube with their purpose and parent.
"""

from lims.pooling.models.assays import Assay, ControlLimits, KitLot
from lims.pooling.models.pools import IN_TEST, ExtractedPool, Extraction, Pool, PoolMember
from lims.pooling.models.runs import (
    AmplificationCurve,
    FileImport,
    Instrument,
    Reading,
    ResultFile,
    Run,
    Well,
    WellCall,
)

__all__ = [
    "IN_TEST",
    "AmplificationCurve",
    "Assay",
    "ControlLimits",
    "ExtractedPool",
    "Extraction",
    "FileImport",
    "Instrument",
    "KitLot",
    "Pool",
    "PoolMember",
    "Reading",
    "ResultFile",
    "Run",
    "Well",
    "WellCall",
]
