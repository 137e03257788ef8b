"""Queries of states in JSONPath: paths into the data, the context object and the variables, and payload templates."""

from asl import intrinsics, paths
from asl.faults import Failure, runtime
from asl.texts import text


def lookup(path, data, scope):
    """The value at a path, or of an intrinsic function. A path that leads to nothing is an error, as on AWS."""
    if path.startswith("States."):
        return intrinsics.value(path, lambda inner: lookup(inner, data, scope))
    try:
        return paths.find(*rooted(path, data, scope))
    except paths.Missing:
        raise runtime(f"The JSONPath '{path}' could not be found in the input '{text(data)[:1000]}'") from None


def rooted(path, data, scope):
    """A path from $, and what $ is for it."""
    if path.startswith("$$"):
        return path[1:], scope.context
    if path[1:2] in ("", ".", "["):
        return path, data
    name = path[1:].replace("[", ".").split(".", 1)[0]
    if name not in scope.variables:
        raise runtime(f"The variable {name} of the path {path} has no value")
    return "$" + path[1 + len(name):], scope.variables[name]


def present(path, data, scope):
    try:
        lookup(path, data, scope)
    except Failure:
        return False
    return True


def payload(template, data, scope):
    """A payload template: names that end with .$ have paths or intrinsic functions as values."""
    if isinstance(template, list):
        return [payload(entry, data, scope) for entry in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): lookup(value, data, scope) if key.endswith(".$") else payload(value, data, scope)
        for key, value in template.items()
    }
