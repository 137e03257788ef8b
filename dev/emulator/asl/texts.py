"""JSON texts as Step Functions writes them, without blanks, characters as they are, and as it reads them."""

import json
import math


def value_of(text):
    """What a text in JSON stands for. JSON has no NaN and no infinite numbers, which Python reads."""
    return json.loads(text, parse_float=finite, parse_constant=finite)


def finite(digits):
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"JSON has no number {digits}")
    return number


def text(value):
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        compact.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can be
        return json.dumps(value, separators=(",", ":"))
    return compact
