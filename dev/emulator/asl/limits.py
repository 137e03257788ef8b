"""The size of what states take and give."""

from asl.faults import TooLarge
from asl.texts import text

MAX_BYTES = 262_144


def size(value):
    return len(text(value).encode())


def within_limit(value, name, result=False):
    """The value, unless it is larger than states may pass on. The name is of the state, or of the task that gave it."""
    if size(value) > MAX_BYTES:
        raise TooLarge(name, result)
    return value
