"""Queries of states in JSONata: templates whose texts between {% and %} are expressions."""

import functools
import math

from jsonata.utils import Utils

from asl import dialect
from asl.faults import Fault
from asl.functions import FUNCTIONS
from asl.texts import text as text_of

_MOST_MILLISECONDS = 5000  # for one expression: one that never ends fails
_DEEPEST = 400  # nested evaluations of the library, which are several for one level of an expression


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
        program = dialect.Program(text)
        program.output_convert_nulls = False  # an undefined result is None, a null is not
        frame = program.create_frame(None)
        frame.set_runtime_bounds(_MOST_MILLISECONDS, _DEEPEST)
        states = {name: converted(Same(value)) for name, value in states.items()}
        states["context"] = {part: {name: converted(Same(value)) for name, value in members.items()}
                             for part, members in scope.context.items()}
        variables = {name: converted(Same(value)) for name, value in scope.variables.items()}
        for name, value in {**dialect.FUNCTIONS, **FUNCTIONS, **variables, "states": states}.items():
            frame.bind(name, value)
        result = program.evaluate(None, frame)
    except Exception as error:
        raise failed(f"{told} threw an error during evaluation. {error}", field) from error
    if result is None:
        raise failed(f"{told} returned nothing (undefined).", field)
    try:
        return plain(result)
    except TypeError as error:
        raise failed(f"{told} returned an unsupported result type.", field) from error


class Same:
    """Data as a key, which is equal to nothing but itself. Nothing changes data after it was seen."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return id(self.value)

    def __eq__(self, other):
        return self.value is other.value


@functools.lru_cache(maxsize=32)  # a Map evaluates expressions for each item, all with the same large input
def converted(same):
    return with_nulls(same.value)


def with_nulls(value):
    """Data as the library takes it, for which None is nothing at all."""
    if isinstance(value, dict):
        return {key: with_nulls(member) for key, member in value.items()}
    if isinstance(value, list):
        return [with_nulls(entry) for entry in value]
    return Utils.NULL_VALUE if value is None else value


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
