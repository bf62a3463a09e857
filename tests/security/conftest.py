"""The stage of the security tests; see stage.py."""

from __future__ import annotations

from security.stage import built_stage, stage  # noqa: F401  (fixtures)
