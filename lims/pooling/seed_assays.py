"""Three assays to begin with, as data. Each laboratory checks them against its own leaflet before two people
agree.

None is a leaflet itself; where a source leaves something open the stricter reading is taken, and said so.
"""

from __future__ import annotations

from lims.pooling.assays import Assay, Control, Expectation, Target

NONE = Expectation("none")
PRESENT = Expectation("present")
FLOOR = 8.0
"""Ct below this are noise of the first cycles (2.33 and 4.57 were met in real files)."""


def screening_two_targets() -> Assay:
    """ORF1ab and N with an internal control, the commonest pattern of screening kits.

    Source: cut-off 38 with 38–40 "suspicious" as published for Kinghawk and eDiagnosis (PMC8662914); BGI,
    Sansure and BioGerm publish 38 or 40 for the same targets (PMC7227500). Both targets are needed, one alone
    is tested again. The internal control's 40 and its absence allowed in a positive are the common reading,
    not one leaflet's.
    """
    targets = tuple(
        Target(name, dye, "viral", 38.0, "<", FLOOR, 38.0, 40.0)
        for name, dye in (("ORF1ab", "FAM"), ("N", "ROX"))
    )
    internal = Target("IC", "VIC", "internal", 40.0, "<", FLOOR)
    nothing = {"ORF1ab": NONE, "N": NONE}
    return Assay(
        name="Screening ORF1ab + N",
        targets=(*targets, internal),
        min_viral_detected=2,
        internal_control="needed_for_negative",
        controls=(
            Control("NTC", 1, {**nothing, "IC": NONE}),
            # what was extracted with a spoilt control is extracted again; the rest of the plate stands
            Control("NEC", 1, nothing, stops="block"),
            Control("PC", 1, {"ORF1ab": PRESENT, "N": PRESENT}),
        ),
        max_pool_size=10,
        source="PMC8662914 (Kinghawk, eDiagnosis: < 38, 38–40 suspicious); PMC7227500 (BGI, Sansure, BioGerm). "
        "No leaflet: compare it with your kit's.",
    )


def cdc_n1_n2_rp() -> Assay:
    """CDC 2019-nCoV panel: N1, N2 and RP, three FAM reactions in a well each.

    Source: instructions for use, revision 06 of 2020-12-01. N1 and N2 below 40.00 are positive, one of the
    two is inconclusive; RP is needed for a negative, not for a positive. NTC none; nCoVPC (here PC) all three
    below 40; HSC RP below 40 and no virus. Any failed control invalidates the run. Pools up to 4 or 5 were
    evaluated in silico; the size of 5 here is the smaller of common policies.
    """
    n1, n2 = (Target(name, "FAM", "viral", 40.0, "<", FLOOR) for name in ("N1", "N2"))
    return Assay(
        name="CDC N1 N2 RP",
        targets=(n1, n2, Target("RP", "FAM", "internal", 40.0, "<", FLOOR)),
        min_viral_detected=2,
        internal_control="needed_for_negative",
        controls=(
            Control("NTC", 1, {"N1": NONE, "N2": NONE, "RP": NONE}),
            Control("PC", 1, {"N1": PRESENT, "N2": PRESENT, "RP": PRESENT}),
            Control("HSC", 1, {"N1": NONE, "N2": NONE, "RP": PRESENT}),
        ),
        max_pool_size=5,
        wells_per_pool=3,
        source="CDC 2019-nCoV Real-Time RT-PCR Diagnostic Panel, instructions for use, revision 06, 2020-12-01.",
    )


def three_targets_two_needed() -> Assay:
    """N, S and ORF1ab with MS2, two of three needed: the pattern of the TaqPath combo kit.

    Source: a hospital's protocol (PMC7490627): two of three below 40 positive, one of three inconclusive, MS2
    needed for a negative; positive control N, S, ORF1ab found and MS2 not; NTC nothing; extraction control
    only MS2. The maker's own limits (viral 37, MS2 32) could not be confirmed: check the leaflet before
    agreeing.
    """
    viral = {"N": "VIC", "S": "ABY", "ORF1ab": "FAM"}
    targets = tuple(Target(name, dye, "viral", 40.0, "<", FLOOR) for name, dye in viral.items())
    return Assay(
        name="N S ORF1ab MS2, two of three",
        targets=(*targets, Target("MS2", "JUN", "internal", 40.0, "<", FLOOR)),
        min_viral_detected=2,
        internal_control="needed_for_negative",
        controls=(
            Control("NTC", 1, dict.fromkeys((*viral, "MS2"), NONE)),
            Control("NEC", 1, {**dict.fromkeys(viral, NONE), "MS2": PRESENT}),
            Control("PC", 1, {**dict.fromkeys(viral, PRESENT), "MS2": NONE}),
        ),
        max_pool_size=10,
        source="PMC7490627 (a hospital's protocol). The maker's own limits are not confirmed: check the leaflet.",
    )


def list_seed_assays() -> tuple[Assay, ...]:
    """Return all of them, the usual one first."""
    return (screening_two_targets(), cdc_n1_n2_rp(), three_targets_two_needed())
