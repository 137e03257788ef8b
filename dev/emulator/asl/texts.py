"""JSON texts as Step Functions writes them: without blanks, characters as they are."""

import json


def text(value):
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        compact.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can be
        return json.dumps(value, separators=(",", ":"))
    return compact
