"""Descriptions of services are loaded once, and are the same as without that."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
from botocore.loaders import JSONFileLoader
read = []
original = JSONFileLoader._load_file
JSONFileLoader._load_file = lambda self, path, opener: read.append(path) or original(self, path, opener)
if sys.argv[1] == "remember":
    from komainu_lab.vpc.models import remember
    remember()
    remember()
import boto3
shapes = []
for _ in range(2):
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    client = session.client("sts")
    shapes.append(sorted(client.meta.service_model.operation_names))
opened = [path for path in read if "/sts/" in path and "/service-2" in path]
print(json.dumps([shapes[0] == shapes[1], len(shapes[0]), len(opened)]))
"""


@pytest.mark.processes
def test_a_description_is_read_once() -> None:
    def run(how: str) -> list[object]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, timeout=60
        )
        return list(json.loads(done.stdout))

    same, operations, once = run("remember")
    same_plainly, operations_plainly, twice = run("plain")
    assert (same, same_plainly) == (True, True)
    assert operations == operations_plainly
    assert once < twice
