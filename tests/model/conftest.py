"""For the tests of the model: examples may take their time, so that a busy machine fails nothing."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
