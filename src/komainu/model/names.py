"""The grammar of names."""

from typing import Annotated

from pydantic import StringConstraints

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,30}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A cluster, node, group, resource or monitor: letters, digits, `_`, `.` and `-`, at most 31 characters."""
