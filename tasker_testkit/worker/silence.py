"""What keeps ``tasker_core`` from printing; apart from the door to it, so that it costs next to nothing."""

from __future__ import annotations

import os


def quiet() -> None:
    """Keep the SDK silent when it is imported, by us or by anyone; a ``RUST_LOG`` of the user's stays as it is."""
    os.environ.setdefault("RUST_LOG", "off")
