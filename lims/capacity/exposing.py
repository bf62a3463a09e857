"""The board and the product's own queues in Prometheus' text format: made anew for each scrape, nothing is kept.

Names follow https://prometheus.io/docs/practices/naming/. All are gauges, as they are read from tables and may fall.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lims.capacity.measures import MEASURES
from lims.capacity.queries.board import Board
from lims.capacity.queries.working import WAITING, Working

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Scrape(Collector):
    """What one scrape tells."""

    def __init__(self, board: Board, working: Working) -> None:
        self._board, self._working = board, working

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every family of metrics."""
        yield from self._samples()
        yield from self._laboratories()
        yield from self._queues()

    def _samples(self) -> Iterator[GaugeMetricFamily]:
        board = self._board
        yield _family(
            "lims_samples",
            "Samples without a released result, by station.",
            ("station",),
            {(name,): number for name, number in board.stations.items()},
        )
        yield _family(
            "lims_oldest_seconds",
            "Age of the sample that waits longest at a station.",
            ("station",),
            {(name,): _age(board.at, one.since) for name, one in board.oldest_by_station.items()},
        )
        yield _family(
            "lims_day",
            "What happened since midnight, by measure.",
            ("measure",),
            {(measure,): board.total(measure) for measure in MEASURES},
        )
        yield _family("lims_discrepancies_open", "Discrepancies open.", (), {(): board.discrepancies})

    def _laboratories(self) -> Iterator[GaugeMetricFamily]:
        reactions: dict[tuple[str, ...], float] = {}
        capacity: dict[tuple[str, ...], float] = {}
        for row in self._board.laboratories:
            for purpose, load in (("screening", row.screening), ("confirmation", row.confirmation)):
                reactions[row.name, purpose, "used"] = load.used
                reactions[row.name, purpose, "planned"] = load.planned
                capacity[row.name, purpose] = load.capacity
        labels = ("laboratory", "purpose")
        yield _family("lims_reactions", "Reactions of the day.", (*labels, "state"), reactions)
        yield _family("lims_reactions_capacity", "Reactions that can be done in a day.", labels, capacity)
        yield _family(
            "lims_laboratory_samples",
            "Samples at a laboratory's stations.",
            ("laboratory", "station"),
            {
                (row.name, station): number
                for row in self._board.laboratories
                for station, number in row.stations.items()
            },
        )

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        working, now = self._working, self._board.at
        channels = sorted({channel for channel, _state in working.messages} | {"sms", "email", "webhook"})
        yield _family(
            "lims_messages",
            "Messages that wait, by channel and state.",
            ("channel", "state"),
            {
                (channel, state): working.messages.get((channel, state), 0)
                for channel in channels
                for state in WAITING
            },
        )
        yield _family(
            "lims_alarms_open", "Alarms open.", ("kind",), {(k,): n for k, n in working.alarms.items()}
        )
        yield _family("lims_uncounted", "Changes not in the figures yet.", (), {(): working.uncounted})
        yield _family(
            "lims_uncounted_age_seconds",
            "Age of the oldest change that is not in the figures yet; 0 without any.",
            (),
            {(): _age(now, working.uncounted_since) if working.uncounted_since else 0},
        )
        if working.folded_at is not None:
            yield _family(
                "lims_fold_age_seconds",
                "Seconds since changes were counted last.",
                (),
                {(): _age(now, working.folded_at)},
            )


def expose(board: Board, working: Working) -> bytes:
    """Return the text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape(board, working))
    return generate_latest(registry)


def _family(
    name: str, help: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help, labels=labels)
    for words, value in values.items():
        family.add_metric(words, value)
    return family


def _age(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
