"""Fields of states that are numbers or texts, given as such, at a path, or by an expression."""

import re

from asl.choice import is_number
from asl.expressions import evaluated, expected, is_expression
from asl.faults import runtime
from asl.query import lookup

_WHOLE = re.compile(r"-?\d+")


def value(step, field, otherwise=None):
    """A field that has a path beside it in JSONPath, and may be an expression in JSONata."""
    given = step.state.get(field, otherwise)
    if step.jsonata:
        return evaluated(given, step.scope, field, input=step.raw)
    path = step.state.get(field + "Path")
    return given if path is None else lookup(path, step.input, step.scope)


def number(step, field, otherwise=None, least=0, most=None, whole=True):
    """A field that is a number in a range."""
    found = value(step, field, otherwise)
    if not step.jsonata and isinstance(found, str) and _WHOLE.fullmatch(found):
        found = int(found)
    if found is None and not given_at_all(step, field):
        return None
    fits = is_number(found) and found >= least and (most is None or found <= most)
    if fits and (not whole or isinstance(found, int) or step.jsonata and found.is_integer()):
        return int(found) if whole else found
    kind, upper = ("integer" if whole else "number"), (f" and at most {most}" if most else "")
    raise wrong(step, field, kind, found, f"must be of type {kind}, at least {least}{upper}")


def given_at_all(step, field):
    return field in step.state or field + "Path" in step.state


def text(step, field):
    """A field that is a text, or None where there is none."""
    found = value(step, field)
    if isinstance(found, str) or found is None and not given_at_all(step, field):
        return found
    raise wrong(step, field, "string", found, "must be a string")


def wrong(step, field, kind, found, rule):
    """What a value that the field does not take is reported as."""
    given = step.state.get(field)
    if step.jsonata and (is_expression(given) or field not in step.state):
        expression = given[2:-2].strip() if is_expression(given) else "$states.input"
        return expected(kind, expression, field, found)
    where = step.state.get(field + "Path")
    return runtime(f"The {field} field {rule}, got {found!r}" + (f" at the path {where}" if where else ""))
