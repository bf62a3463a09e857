"""Whatever happens to a sample, somebody sees on a worklist what is to be done next, until its person is told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from engines import make_app
from factories import make_world
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from journeys.chance import drawn_from
from journeys.history import STEPS, USUAL, History
from journeys.next_steps import list_dead_ends
from pooling import bench
from reconciled import assert_reconciled

from lims import audit
from lims.extensions import db, vault
from lims.places.rules import STRATEGIES


# What fails once fails again, as codes and keys are drawn from the seed, too.
# Every step commits to a real disk: shrinking would take minutes, and a failure says what it found.
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=10, max_size=16),
    seed=st.integers(0, 2**32),
    strict=st.booleans(),
    strategy=st.sampled_from(STRATEGIES),
)
def test_for_everybody_not_told_there_is_a_next_step_on_somebodys_worklist(
    engines, steps, seed, strict, strategy
):
    with (
        TemporaryDirectory() as folder,
        engines.fresh("sqlite", Path(folder)) as url,
        make_app(url, Path(folder)).app_context(),
        drawn_from(seed),
    ):
        world = make_world(
            pool_size=4 if strategy == "halves" else 3,
            mixed_tube_size=3,
            confirm_all_members=strict,
            positive_pool_strategy=strategy,
        )
        bench.install(world)
        History(world, seed).play([*USUAL, *steps])
        dead_ends = list_dead_ends(world)
        assert not dead_ends, "\n".join(dead_ends)
        assert_reconciled(db.session())
        _, faults = audit.verify(db.session(), vault=vault())
        assert faults == []
        db.session.remove()
        db.engine.dispose()
