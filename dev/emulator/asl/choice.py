"""The comparisons of a Choice in JSONPath."""

import re

from ministack.services import stepfunctions

from asl.query import lookup, present

_COMPARISON = re.compile(r"^(String|Numeric|Boolean|Timestamp)(Equals|LessThanEquals|LessThan|GreaterThanEquals|GreaterThan|Matches)(Path)?$")

_TYPES = {
    "String": lambda v: v if isinstance(v, str) else None,
    "Numeric": lambda v: v if stepfunctions._is_num(v) else None,
    "Boolean": lambda v: v if isinstance(v, bool) else None,
    "Timestamp": stepfunctions._parse_ts,
}

_KINDS = {
    "IsNull": lambda v: v is None,
    "IsNumeric": stepfunctions._is_num,
    "IsString": lambda v: isinstance(v, str),
    "IsBoolean": lambda v: isinstance(v, bool),
    "IsTimestamp": stepfunctions._is_timestamp,
}

_OPERATORS = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
    "Matches": lambda text, pattern: re.fullmatch(
        "".join(".*" if p == "*" else re.escape(p.replace("\\*", "*").replace("\\\\", "\\"))
                for p in re.split(r"((?<!\\)\*)", pattern)), text, re.DOTALL) is not None,
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
    value = lookup(rule["Variable"], data, scope)  # what is not there breaks a Choice
    for field, wanted in rule.items():
        if field in _KINDS:
            return _KINDS[field](value) == wanted
        comparison = _COMPARISON.match(field)
        if comparison:
            of, operator, path = comparison.groups()
            a, b = _TYPES[of](value), _TYPES[of](lookup(wanted, data, scope) if path else wanted)
            return a is not None and b is not None and _OPERATORS[operator](a, b)
    return False
