"""The comparisons of a Choice in JSONPath."""

import re

from asl.faults import Failure, runtime
from asl.query import lookup, present
from asl.timestamps import moment

_COMPARISON = re.compile(
    r"(String|Numeric|Boolean|Timestamp)"
    r"(Equals|LessThanEquals|LessThan|GreaterThanEquals|GreaterThan|Matches)(Path)?")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES = {
    "String": lambda v: v if isinstance(v, str) else None,
    "Numeric": lambda v: v if is_number(v) else None,
    "Boolean": lambda v: v if isinstance(v, bool) else None,
    "Timestamp": moment,
}

_KINDS = {
    "IsNull": lambda v: v is None,
    "IsNumeric": is_number,
    "IsString": lambda v: isinstance(v, str),
    "IsBoolean": lambda v: isinstance(v, bool),
    "IsTimestamp": lambda v: moment(v) is not None,
}


def like(text, pattern):
    """Whether a text is as a pattern: * stands for any characters, \\* for itself, \\\\ for a backslash."""
    pieces = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", pattern)
    return re.fullmatch("".join(".*" if p == "*" else re.escape(p[1:] if len(p) == 2 and p[0] == "\\" else p)
                                for p in pieces), text, re.DOTALL) is not None


_OPERATORS = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
    "Matches": like,
}


def holds(rule, data, scope):
    if "And" in rule:
        return all(holds(r, data, scope) for r in rule["And"])
    if "Or" in rule:
        return any(holds(r, data, scope) for r in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], data, scope)
    if "IsPresent" in rule:
        return present(rule["Variable"], data, scope) == rule["IsPresent"]
    value = there(rule["Variable"], data, scope)
    for field, wanted in rule.items():
        if field in _KINDS:
            return _KINDS[field](value) == wanted
        comparison = _COMPARISON.fullmatch(field)
        if comparison:
            of, operator, path = comparison.groups()
            a, b = _TYPES[of](value), _TYPES[of](there(wanted, data, scope) if path else wanted)
            return a is not None and b is not None and _OPERATORS[operator](a, b)
    return False


def there(path, data, scope):
    """What a path leads to: what is not there breaks a Choice."""
    try:
        return lookup(path, data, scope)
    except Failure as error:
        raise runtime(
            f"Invalid path '{path}': The choice state's condition path references an invalid value.") from error
