"""Load botocore's descriptions of services once per process.

boto3, moto's zones, its parsers and its serializers each load the same megabytes of JSON; that is a third of the time
the emulated VPC takes to start. Import this before moto and call `remember`.
"""

from typing import Any

from botocore.loaders import JSONFileLoader


def remember() -> None:
    """From now on a file is read once. May be called twice."""
    if hasattr(JSONFileLoader.load_file, "remembers"):
        return
    load, found = JSONFileLoader.load_file, {}

    def load_file(self: Any, file_path: str) -> Any:
        if file_path not in found:
            found[file_path] = load(self, file_path)
        return found[file_path]

    load_file.remembers = True  # type: ignore[attr-defined]
    JSONFileLoader.load_file = load_file
