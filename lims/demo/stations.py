"""When a batch of the demonstration comes to each station."""

from __future__ import annotations

# Hours after declaring at which a batch comes to each station.
STATIONS = {
    "declared": 0.0,
    "sampled": 1.0,
    "boxed": 1.6,
    "dispatched": 2.0,
    "received": 3.2,
    "pooled": 4.0,
    "planned": 4.6,
    "running": 4.8,
    "imported": 6.4,
    "reviewed": 6.7,
    "verified": 7.0,
    "released": 7.3,
}
FOLLOWED_UP = "followed_up"
FOLLOW_UP_HOURS = 9.0
