"""What axe-core objects to on a page."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe

# Whoever steers by voice says what a button shows. Experimental in axe, which leaves it out unless it is asked for.
OPTIONS: Final = {"rules": {"label-content-name-mismatch": {"enabled": True}}}


def objections(page) -> list[str]:
    """One for each element, with what would cure it."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}\n    {node['failureSummary']}" for rule in found for node in rule["nodes"]
    ]
