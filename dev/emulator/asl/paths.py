"""JSONPath as Step Functions reads it, which is as the Java library Jayway JsonPath does.

A definite path, of names and single indexes only, leads to one value or fails. Any other leads to a list of values,
which may be empty; up to its first step that is not definite it must exist.
"""

import functools
import re

import jsonpath
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import Filter, IndexSelector, NameSelector, SliceSelector

from asl.faults import Fault, runtime
from asl.texts import text


class Missing(Exception):
    """The path leads to nothing."""


# Names may have any characters but these, where the library follows RFC 9535: they reach it within quotes.
_STEP = re.compile(
    r"""(?P<dots>\.\.?)(?P<name>[^.\[*]+)|(?P<other>\.\.?(?=\[)|\.\.?\*
    |\[(?:[^\[\]'"]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\[[^\[\]]*\])*\])""", re.VERBOSE)

_UNQUOTED = re.compile(r"\[\s*[^\W\d][\w-]*\s*\]")  # the library takes such a name for one that is not there

_NOT_IN = re.compile(r"(@[^\s&|()]*)\s+nin\s+(\[[^\]]*\])")  # an operator that the library lacks

_FUNCTION = re.compile(r"\.(length|min|max|avg|sum|keys|first|last)\(\)$")

_FUNCTIONS = {
    "length": len, "min": min, "max": max, "sum": sum, "keys": list,
    "avg": lambda values: sum(values) / len(values),
    "first": lambda values: values[0], "last": lambda values: values[-1],
}


@functools.lru_cache(maxsize=4096)
def compiled(path):
    steps, end = ["$"], 1
    while end < len(path):
        step = _STEP.match(path, end)
        if not step or _UNQUOTED.fullmatch(step.group()):
            raise runtime(f"Invalid path '{path}'")
        name = step.group("name")
        if name is not None:
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            steps.append(("" if step.group("dots") == "." else "..") + f"['{quoted}']")
        elif step.group("other") != ".":
            steps.append(_NOT_IN.sub(r"!(\1 in \2)", step.group("other")))
        end = step.end()
    try:
        query = jsonpath.compile("".join(steps))
        return query, [only(segment) for segment in query.segments]
    except (jsonpath.JSONPathError, AttributeError) as error:
        raise runtime(f"Invalid path '{path}': {str(error).splitlines()[0]}") from error


def only(segment):
    """The name or the index of a step that has only one, or None."""
    if not isinstance(segment, JSONPathChildSegment) or len(segment.selectors) != 1:
        return None
    selector = segment.selectors[0]
    return selector.name if isinstance(selector, NameSelector) else \
        selector.index if isinstance(selector, IndexSelector) else None


def find(path, root):
    """What a path that starts with $ leads to."""
    function = _FUNCTION.search(path)
    if function:
        try:
            return _FUNCTIONS[function.group(1)](find(path[:function.start()], root))
        except (TypeError, ValueError, LookupError, ZeroDivisionError) as error:
            raise runtime(f"Invalid path '{path}': {error}") from error
    query, keys = compiled(path)
    value = root
    for key, segment in zip(keys, query.segments):
        if key is None:
            return several(path, query, segment, segment is query.segments[-1], value, root)
        value = member(value, key)
    return value


def member(value, key):
    if isinstance(key, str) and isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(key, int) and isinstance(value, list) and -len(value) <= key < len(value):
        return value[key]
    raise Missing


def several(path, query, segment, last, value, root):
    """What a path leads to whose first step with more than one selection is this one, at this value."""
    selectors = segment.selectors
    child = isinstance(segment, JSONPathChildSegment)
    if child and last and all(isinstance(s, NameSelector) for s in selectors):
        if not isinstance(value, dict):
            raise Missing
        return {s.name: value[s.name] for s in selectors if s.name in value}
    arrays = child and any(isinstance(s, (IndexSelector, SliceSelector)) for s in selectors)
    filters = child and any(isinstance(s, Filter) for s in selectors)
    if arrays and not isinstance(value, list) or filters and not isinstance(value, (list, dict)):
        raise runtime(
            f"Invalid path '{path}': {segment} can only be applied to arrays. Current context is: {text(value)}")
    if not isinstance(root, (dict, list)):
        return []  # the library would read a string as JSON
    try:
        return query.findall(root)
    except jsonpath.JSONPathError as error:
        raise runtime(f"Invalid path '{path}': {str(error).splitlines()[0]}") from error


def placed(path, data, result):
    """The input with a result at a reference path."""
    if path is None:
        return data
    _, keys = compiled(path)
    if None in keys:
        raise runtime(f"Invalid path '{path}': it is not a reference path")
    return put(keys, data, result)


def put(keys, data, result):
    if not keys:
        return result
    if isinstance(keys[0], int):
        if not isinstance(data, list) or not 0 <= keys[0] < len(data):
            raise Fault("States.ResultPathMatchFailure", f"There is no index {keys[0]}")
        return [put(keys[1:], v, result) if i == keys[0] else v for i, v in enumerate(data)]
    if not isinstance(data, dict):
        raise Fault("States.ResultPathMatchFailure", f"There is no object for the member {keys[0]}")
    return {**data, keys[0]: put(keys[1:], data.get(keys[0], {}), result)}
