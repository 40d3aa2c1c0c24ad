"""Tasks that a real Tasker has done: its answers, its tables, its templates; and imports that must fail."""

from __future__ import annotations

import json
from pathlib import Path

from tasker_testkit.cli import main

RECORDED = Path(__file__).resolve().parents[2] / "fixtures/conformance/production"
REST = sorted((RECORDED / "rest").glob("*.json"))
TABLES = json.loads((RECORDED / "tables.json").read_text(encoding="utf-8"))
TEMPLATES = {
    "ecommerce_order_processing": RECORDED / "templates/ecommerce_order_processing.yaml",
    "refund_approval": RECORDED / "templates/refund.yaml",
    "product_import": RECORDED / "templates/products.yaml",
}
HANDLERS = str(RECORDED / "production_handlers.py")
SECRETS = ("tok_visa", "tok_declined", "sk_live_prod_secret", "4242 4242 4242 4242", '"123"')


def refused(capsys, *arguments):
    """The one error of an import that must fail; nothing was written."""
    before = sorted(Path().iterdir())
    assert main(["import", *map(str, arguments)]) == 2
    assert sorted(Path().iterdir()) == before
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.removeprefix("tasker-testkit: ")
