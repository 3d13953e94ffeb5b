"""The one error of the lab that people read."""


class LabError(Exception):
    """Something the lab needs is missing or went wrong: one sentence, with the remedy where there is one."""
