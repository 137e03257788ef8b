"""The size of what states take and give."""

import json

from asl.faults import TooLarge

MAX_BYTES = 262_144


def size(value):
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def within_limit(value, name, result=False):
    """The value, unless it is larger than states may pass on. The name is of the state, or of the task that gave it."""
    if size(value) > MAX_BYTES:
        raise TooLarge(name, result)
    return value
