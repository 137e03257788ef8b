"""The two query languages of the Amazon States Language: JSONPath with intrinsic functions and variables, and JSONata."""

import hashlib
import json

import jsonata
from ministack.services import stepfunctions

Failure = stepfunctions._ExecutionError


class Scope:
    """What a state can read besides its input: the context object and the variables, which nested states may read too.

    States of a Map or a Parallel assign variables of their own: they see those around them, and nobody outside sees
    theirs.
    """

    def __init__(self, context, variables=None):
        self.context = context
        self.variables = variables if variables is not None else {}

    def nested(self, **context):
        return Scope({**self.context, **context}, dict(self.variables))


def matches(path, data, scope):
    """What a path leads to: a list of values, and whether it may lead to any number of them."""
    root = data
    if path.startswith("$$"):
        root, path = scope.context, path[1:]
    elif path[1:2] not in ("", ".", "["):
        name = path[1:]
        for mark in ".[":
            name = name.split(mark, 1)[0]
        if name not in scope.variables:
            raise Failure("States.Runtime", f"The variable {name} of the path {path} has no value")
        root, path = scope.variables[name], "$" + path[1 + len(name):]
    tokens = stepfunctions._parse_jsonpath_tokens(path)
    if tokens is None:
        raise Failure("States.Runtime", f"Invalid path '{path}'")
    values = [root]
    for kind, key in tokens:
        values = [found for value in values for found in step(kind, key, value)]
    return values, any(kind == "wildcard" for kind, _ in tokens)


def step(kind, key, value):
    if kind == "field":
        return [value[key]] if isinstance(value, dict) and key in value else []
    if kind == "index":
        return [value[key]] if isinstance(value, list) and key < len(value) else []
    return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []


def lookup(path, data, scope, error="States.Runtime"):
    """The value at a path, or of an intrinsic function. A path that leads to nothing is an error, as on AWS."""
    if path.startswith("States."):
        return intrinsic(path, data, scope)
    values, many = matches(path, data, scope)
    if many:
        return values
    if not values:
        raise Failure(error, f"The JSONPath '{path}' could not be found in the input '{json.dumps(data)[:1000]}'")
    return values[0]


def present(path, data, scope):
    try:
        values, _ = matches(path, data, scope)
    except Failure:
        return False  # a variable without a value
    return bool(values)


def intrinsic(expression, data, scope):
    node, _ = stepfunctions._parse_intrinsic_call(expression, 0)
    try:
        return call(node, data, scope)
    except Failure:
        raise
    except Exception as error:
        raise Failure("States.IntrinsicFailure", f"{expression}: {error}") from error


def call(node, data, scope):
    """MiniStack's functions, with arguments that may be variables, and the two that it lacks."""
    _, name, raw = node
    values = [call(a, data, scope) if a[0] == "call" else lookup(a[1], data, scope) if a[0] == "path" else a[1] for a in raw]
    if name == "States.StringSplit":
        pieces = [values[0]]
        for mark in values[1]:
            pieces = [part for piece in pieces for part in piece.split(mark)]
        return [piece for piece in pieces if piece]
    if name == "States.Hash":
        text = values[0] if isinstance(values[0], str) else json.dumps(values[0], separators=(",", ":"))
        return hashlib.new(values[1].replace("-", ""), text.encode()).hexdigest()
    return stepfunctions._exec_intrinsic(("call", name, [("str", v) for v in values]), data, {})


def payload(template, data, scope):
    """A payload template of JSONPath: names that end with .$ have paths or intrinsic functions as values."""
    if isinstance(template, list):
        return [payload(entry, data, scope) for entry in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): lookup(value, data, scope, "States.ParameterPathFailure") if key.endswith(".$")
        else payload(value, data, scope)
        for key, value in template.items()
    }


def placed(path, data, result):
    """The input with a result at a reference path."""
    if path is None:
        return data
    if path == "$":
        return result
    return put([key for _, key in stepfunctions._parse_jsonpath_tokens(path)], data, result)


def put(keys, data, result):
    if not keys:
        return result
    if isinstance(keys[0], int):
        if not isinstance(data, list) or keys[0] >= len(data):
            raise Failure("States.ResultPathMatchFailure", f"There is no index {keys[0]}")
        return [put(keys[1:], v, result) if i == keys[0] else v for i, v in enumerate(data)]
    if not isinstance(data, dict):
        raise Failure("States.ResultPathMatchFailure", f"There is no object for the member {keys[0]}")
    return {**data, keys[0]: put(keys[1:], data.get(keys[0], {}), result)}


def evaluated(template, scope, **states):
    """A template of JSONata: texts between {% and %} are expressions, which see $states and the variables."""
    if isinstance(template, dict):
        return {key: evaluated(value, scope, **states) for key, value in template.items()}
    if isinstance(template, list):
        return [evaluated(entry, scope, **states) for entry in template]
    if not isinstance(template, str) or not template.startswith("{%") or not template.endswith("%}"):
        return template
    bindings = {**scope.variables, "states": {**states, "context": scope.context}}
    try:
        value = jsonata.Jsonata(template[2:-2].strip()).evaluate(None, bindings)
        return json.loads(json.dumps(value))  # without the types that the library uses inside
    except Exception as error:
        raise Failure("States.QueryEvaluationError", f"The JSONata expression '{template}' failed: {error}") from error
