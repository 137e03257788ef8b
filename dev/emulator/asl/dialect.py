"""JSONata 2.0.6, which Step Functions has, where the library differs from it."""

import math
import operator
import re
from decimal import Decimal

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser
from jsonata.signature import Signature
from jsonata.utils import Utils

from asl.texts import text

# JavaScript writes numbers without an exponent if it is at least the first of these and less than the other.
_EXPONENTS = -6, 21

_NUMBER = re.compile(r"-?\d+(\.\d+)?([Ee][-+]?\d+)?", re.ASCII)
_OTHER_BASE = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")


def divided(a, b):
    if b:
        return a / b
    return math.copysign(math.inf, a) * math.copysign(1, b) if a else math.nan


_OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": divided,
    "%": lambda a, b: math.fmod(a, b) if b else math.nan,
}


class Program(Jsonata):
    """An expression: it calculates with the numbers of JavaScript, which are infinite rather than an error.

    What calculates with an infinite number is an error, though.
    """

    def __init__(self, expression):
        super().__init__(expression, lambda pattern, flags: re.compile(
            pattern, re.ASCII | flags.case_insensitive * re.IGNORECASE | flags.multiline * re.MULTILINE))

    def evaluate_numeric_expression(self, lhs, rhs, op):
        for side, code in ((lhs, "T2001"), (rhs, "T2002")):
            if side is not None and not Utils.is_numeric(side):
                raise JException(code, -1, op, side)
        if lhs is None or rhs is None:
            return None
        result = _OPERATORS[op](float(lhs), float(rhs))
        return Utils.convert_number(result) if math.isfinite(result) else result

    def evaluate_includes_expression(self, lhs, rhs):
        if lhs is None or rhs is None:
            return False
        return any(Utils.is_deep_equal(lhs, entry) for entry in (rhs if isinstance(rhs, list) else [rhs]))


class Own:
    """Functions of JSONata in the place of the library's."""

    @staticmethod
    def number(arg):
        if arg is None or isinstance(arg, (int, float)):
            return Functions.number(arg)
        if isinstance(arg, str):
            if _NUMBER.fullmatch(arg) and math.isfinite(float(arg)):
                return float(arg)
            if _OTHER_BASE.fullmatch(arg):
                return int(arg, 0)
        raise JException("D3030", -1, arg)

    @staticmethod
    def distinct(arr):
        if not isinstance(arr, list) or len(arr) <= 1:
            return arr
        found = Utils.create_sequence() if Utils.is_sequence(arr) else []
        for entry in arr:
            if not any(Utils.is_deep_equal(entry, other) for other in found):
                found.append(entry)
        return found


FUNCTIONS = {
    "number": Jsonata.JNativeFunction("number", "<(nsb)-:n>", Own, "number"),
    "distinct": Jsonata.JNativeFunction("distinct", "<x:x>", Own, "distinct"),
}


def written(value, pretty=False, margin="\n"):
    """A value as $string and & write it, which is as JSON.stringify does with numbers of 15 digits."""
    if value is None or value is Utils.NULL_VALUE:
        return "null"
    if isinstance(value, (str, bool)):
        return text(value)
    if isinstance(value, (int, float)):
        return digits(value)
    if not isinstance(value, (list, dict)):
        return '""' if margin != "\n" else ""  # a function
    inner, between = margin + "  ", ": " if pretty else ":"
    entries = [text(key) + between + written(entry, pretty, inner) for key, entry in value.items()] \
        if isinstance(value, dict) else [written(entry, pretty, inner) for entry in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    if pretty and entries:
        return begin + inner + ("," + inner).join(entries) + margin + end
    return begin + ",".join(entries) + end


def digits(number):
    if not math.isfinite(number):
        raise JException("D3001", -1)
    rounded = Decimal(f"{number:.15g}").normalize()
    if not rounded:
        return "0"
    exponent = rounded.adjusted()
    if _EXPONENTS[0] <= exponent < _EXPONENTS[1]:
        return f"{rounded:f}"
    return f"{rounded.scaleb(-exponent):f}e{exponent:+d}"


def unknown(symbol, _):
    raise JException("S0211", -1, symbol.id)


def kind_of(signature, value):
    """The letter of an argument's type: null is one, and not a missing argument."""
    return "l" if value is Utils.NULL_VALUE else _KIND_OF(signature, value)


_KIND_OF, Signature.get_symbol = Signature.get_symbol, kind_of
Functions._string = staticmethod(written)
for later in (Parser.InfixCoalesce, Parser.InfixDefault):  # of JSONata 2.1
    later.led = unknown
