"""Timestamps of the States Language: RFC 3339 with an upper-case T, and Z or an offset."""

import re
from datetime import datetime, timedelta

_FORM = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})", re.ASCII)


def moment(value):
    """The time that a text stands for, or None."""
    parts = _FORM.fullmatch(value) if isinstance(value, str) else None
    if not parts:
        return None
    whole, fraction, zone = parts.groups()
    try:
        at = datetime.fromisoformat(whole + zone.replace("Z", "+00:00"))
    except ValueError:  # such as a 13th month
        return None
    return at + timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
