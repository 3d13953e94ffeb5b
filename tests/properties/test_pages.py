"""What the pages show of a configuration can be used: each block of YAML, put where the page says it belongs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from komainu.catalogue import FENCE_TYPES, LEASE_TYPES, MONITOR_TYPES, NOTIFIERS, RESOURCE_TYPES
from komainu.config.read import Reading, read

ROOT = Path(__file__).parents[2]
ELSEWHERE = ("configuration.md", "groups.md", "monitors.md")
"Pages with whole files, and with examples that their own tests read."
PAGES = sorted(page for page in (ROOT / "docs").glob("*/*.md") if page.name not in ELSEWHERE)
BLOCKS = [
    pytest.param(block, id=f"{page.parent.name}-{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL), 1)
]

Document = dict[str, Any]


def example(name: str) -> Document:
    return dict(yaml.safe_load((ROOT / "examples" / name).read_text(encoding="utf-8")))


def whole(block: Any) -> Document:
    """A file that has the block: a list is of resources, `params` are of the first resource of the VIP example."""
    if isinstance(block, list):
        document = example("vip-cluster.yaml")
        document["groups"][0]["resources"] = block
    elif list(block) == ["params"]:
        document = example("vip-cluster.yaml")
        document["groups"][0]["resources"][0].update(block)
    elif "fence" in block:
        document = example("lease-s3.yaml")
        document["cluster"]["arbitration"].update(block)
    elif block.get("arbitration") == "majority":
        document = example("majority.yaml")
        document["cluster"].update(block)
    else:
        document = example("vip-cluster.yaml")
        document["cluster"].update(block.get("cluster", {}))
        for key, value in block.items():
            if key in ("nodes", "groups", "monitors", "notifications"):
                document[key] = value
            elif key != "cluster":
                document["cluster"][key] = value
    return document


def reading(document: Document) -> Reading:
    return read(
        yaml.safe_dump(document, sort_keys=False).encode(),
        RESOURCE_TYPES,
        monitors=MONITOR_TYPES,
        notifiers=NOTIFIERS,
        leases=LEASE_TYPES,
        fences=FENCE_TYPES,
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_what_a_page_shows_can_be_used(block: str) -> None:
    found = reading(whole(yaml.safe_load(block)))
    assert [(each.path, each.said.en) for each in found.errors] == []


@pytest.mark.parametrize("key", ["ttl", "zone"])
def test_a_slip_in_a_page_would_be_found(key: str) -> None:
    page = (ROOT / "docs" / "en" / "addresses.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(- name: awsdns1.*?)```", page, re.DOTALL)
    written = {"ttl": "ttl_s", "zone": "zone_id"}[key]
    assert reading(whole(yaml.safe_load(block.replace(written, key)))).errors
