"""The small world holds what other tests stand on."""

from __future__ import annotations


def test_a_collector_sees_the_site_and_not_the_laboratory(world):
    collector = world.actor("collector")
    assert collector.sees(world.site_id)
    assert not collector.sees(world.laboratory_id)


def test_a_coordinator_sees_everything_in_the_province(world):
    assert world.actor("coordinator").place_ids >= {world.site_id, world.laboratory_id, world.commune_id}
