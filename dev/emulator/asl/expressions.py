"""Queries of states in JSONata: templates whose texts between {% and %} are expressions."""

import math

import jsonata
from jsonata.utils import Utils

from asl.faults import Fault
from asl.functions import FUNCTIONS
from asl.texts import text as text_of

_MOST_MILLISECONDS = 5000  # for one expression: one that never ends fails
_DEEPEST = 400  # nested evaluations of the library, which are several for one level of an expression


class Program(jsonata.Jsonata):
    """An expression, which may divide by zero: the numbers of Step Functions are those of JavaScript."""

    def evaluate_numeric_expression(self, lhs, rhs, op):
        if op == "/" and rhs == 0 and type(rhs) in (int, float) and type(lhs) in (int, float):
            return math.copysign(math.inf, lhs) if lhs else math.nan
        return super().evaluate_numeric_expression(lhs, rhs, op)


def evaluated(template, scope, field, **states):
    """What a template comes to. Expressions see $states and the variables; the field is told when one fails."""
    if isinstance(template, dict):
        return {key: evaluated(value, scope, f"{field}/{key}", **states) for key, value in template.items()}
    if isinstance(template, list):
        return [evaluated(entry, scope, f"{field}[{i}]", **states) for i, entry in enumerate(template)]
    if not is_expression(template):
        return template
    return expression(template[2:-2].strip(), scope, field, states)


def is_expression(text):
    return isinstance(text, str) and text.startswith("{%") and text.endswith("%}")


def expression(text, scope, field, states):
    told = f"The JSONata expression '{text}' specified for the field '{field}'"
    try:
        program = Program(text)
        program.output_convert_nulls = False  # an undefined result is None, a null is not
        frame = program.create_frame(None)
        frame.set_runtime_bounds(_MOST_MILLISECONDS, _DEEPEST)
        for name, function in FUNCTIONS.items():
            frame.bind(name, jsonata.Jsonata.JLambda(function))
        for name, value in {**scope.variables, "states": {**states, "context": scope.context}}.items():
            frame.bind(name, Utils.NULL_VALUE if value is None else value)
        result = program.evaluate(None, frame)
    except Exception as error:
        raise failed(f"{told} threw an error during evaluation. {error}", field) from error
    if result is None:
        raise failed(f"{told} returned nothing (undefined).", field)
    try:
        return plain(result)
    except TypeError as error:
        raise failed(f"{told} returned an unsupported result type.", field) from error


def plain(value):
    """A result in JSON's own types, without those that the library uses inside."""
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"  # texts, as JSON has no such
    if isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is not a type of JSON")


def expected(kind, text, field, value):
    """The failure of an expression whose result is not of the kind that its field takes."""
    return failed(
        f"The JSONata expression '{text}' specified for the field '{field}' returned an unexpected result type. "
        f"Expected '{kind}', but was '{kind_of(value)}' for value: {text_of(value)}", field)


def kind_of(value):
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def failed(cause, field):
    fault = Fault("States.QueryEvaluationError", cause)
    fault.field = field
    return fault
