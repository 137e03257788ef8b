"""The intrinsic functions of JSONPath states. Their failures are States.Runtime, as on AWS."""

import base64
import binascii
import hashlib
import json
import math
import random
import re
import uuid

from asl.faults import Failure, runtime
from asl.texts import text, value_of

_MOST_CHARACTERS = 10_000  # of what is encoded, decoded or hashed
_MOST_ITEMS = 1000  # of a range

_LITERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_NAME = re.compile(r"States\.[A-Za-z0-9]+\s*\(")
_STRING = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
# A path ends at a comma or a parenthesis, except within the brackets of a filter or of a quoted name.
_PATH = re.compile(r"\$(?:\[(?:[^\[\]'\"]|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\[[^\[\]]*\])*\]|\w+\(\)|[^,()\[\]])*")


def value(expression, resolve):
    """What an expression comes to; resolve looks paths up."""
    try:
        result, end = call(expression, 0, resolve)
        if expression[end:].strip():
            raise ValueError(f"'{expression[end:]}' is not expected")
        return result
    except Failure:
        raise
    except TypeError as error:
        raise runtime(f"The function '{expression}' takes other arguments") from error
    except Exception as error:
        raise runtime(f"The function '{expression}' had the following error: {error}") from error


def call(text, at, resolve):
    head = _NAME.match(text, at)
    name = head.group(0)[:-1].strip() if head else ""
    if name not in _FUNCTIONS:
        raise ValueError(f"there is no intrinsic function at '{text[at:]}'")
    values, at = [], head.end()
    while True:
        at = blank(text, at)
        if text[at:at + 1] == ")" and not values:
            return _FUNCTIONS[name](*values), at + 1
        argument, at = read(text, at, resolve, name)
        values.append(argument)
        at = blank(text, at)
        if text[at:at + 1] == ")":
            return _FUNCTIONS[name](*values), at + 1
        if text[at:at + 1] != ",":
            raise ValueError(f"a comma or a parenthesis is missing at '{text[at:]}'")
        at += 1


def blank(text, at):
    while text[at:at + 1].isspace():
        at += 1
    return at


def read(text, at, resolve, function):
    if text.startswith("States.", at):
        return call(text, at, resolve)
    if text[at:at + 1] == "$":
        path = _PATH.match(text, at)
        return resolve(path.group(0).strip()), path.end()
    string = _STRING.match(text, at)
    if string:
        raw = string.group(1)  # Format reads escapes itself: it has to tell \{ from {
        return raw if function == "States.Format" else unescaped(raw), string.end()
    literal = _LITERAL.match(text, at)
    if not literal:
        raise ValueError(f"'{text[at:]}' is not an argument")
    return json.loads(literal.group(0)), literal.end()


def unescaped(text):
    return re.sub(r"\\(['{}\\])", r"\1", text)


def of(kind, argument, what):
    """The argument, which has to be of a kind."""
    if not isinstance(argument, kind) or isinstance(argument, bool) and kind is not bool:
        raise ValueError(f"{what} must be of type {getattr(kind, '__name__', 'number')}, got {text(argument)}")
    return argument


def short(argument, what):
    if len(of(str, argument, what)) > _MOST_CHARACTERS:
        raise ValueError(f"{what} may have {_MOST_CHARACTERS} characters, got {len(argument)}")
    return argument


def rounded(number):
    """The nearest whole number; halves go up, as Java's Math.round does."""
    of((int, float), number, "the argument")
    return number if isinstance(number, int) else math.floor(number + 0.5)


def same(a, b):
    """JSON's equality: true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def shown(argument):
    """A value as Format shows it: objects and arrays as Java does."""
    if isinstance(argument, str):
        return argument
    if isinstance(argument, list):
        return "[" + ", ".join(map(shown, argument)) + "]"
    if isinstance(argument, dict):
        return "{" + ", ".join(f"{key}={shown(member)}" for key, member in argument.items()) + "}"
    return text(argument)


def formatted(template, *arguments):
    pieces = re.split(r"(\\['{}\\]|\{\})", of(str, template, "the template"))
    if pieces.count("{}") != len(arguments):
        raise ValueError(f"the template has {pieces.count('{}')} places for {len(arguments)} arguments")
    rest = iter(arguments)
    return "".join(shown(next(rest)) if p == "{}" else unescaped(p) for p in pieces)


def partition(array, size):
    of(list, array, "the first argument")
    size = rounded(size)
    if size <= 0:
        raise ValueError(f"the size of a part must be positive, got {size}")
    return [array[i:i + size] for i in range(0, len(array), size)]


def ranged(first, last, step):
    first, last, step = rounded(first), rounded(last), rounded(step)
    if step == 0:
        raise ValueError("the step must not be 0")
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > _MOST_ITEMS:
        raise ValueError(f"an array may have {_MOST_ITEMS} items, got {len(numbers)}")
    return list(numbers)


def item(array, index):
    if not 0 <= of(int, index, "the index") < len(of(list, array, "the first argument")):
        raise ValueError(f"there is no item {index}")
    return array[index]


def unique(array):
    found = []
    for entry in of(list, array, "the argument"):
        if not any(same(entry, other) for other in found):
            found.append(entry)
    return found


def decoded(text):
    try:
        text = short(text, "the argument")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise ValueError(f"the argument is not Base64: {error}") from error


_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def hashed(data, algorithm):
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"the algorithm must be one of {', '.join(_ALGORITHMS)}, got {text(algorithm)}")
    chosen = short(data if isinstance(data, str) else text(data), "the data")
    return hashlib.new(_ALGORITHMS[algorithm], chosen.encode()).hexdigest()


def merged(first, second, deep):
    if deep is not False:
        raise ValueError("only shallow merging is supported: the third argument must be false")
    return {**of(dict, first, "the first argument"), **of(dict, second, "the second argument")}


def at_random(start, end, seed=None):
    start, end = rounded(start), rounded(end)
    if start >= end:
        raise ValueError(f"the start {start} must be less than the end {end}")
    return (random if seed is None else random.Random(rounded(seed))).randrange(start, end)


def split(text, marks):
    """The marks are characters, each of which divides; nothing between two of them is left out."""
    of(str, text, "the first argument"), of(str, marks, "the second argument")
    return [piece for piece in re.split(f"[{re.escape(marks)}]", text) if piece] if marks else [text]


_FUNCTIONS = {
    "States.Array": lambda *values: list(values),
    "States.ArrayContains": lambda array, entry: any(same(e, entry) for e in of(list, array, "the first argument")),
    "States.ArrayGetItem": item,
    "States.ArrayLength": lambda array: len(of(list, array, "the argument")),
    "States.ArrayPartition": partition,
    "States.ArrayRange": ranged,
    "States.ArrayUnique": unique,
    "States.Base64Decode": decoded,
    "States.Base64Encode": lambda text: base64.b64encode(short(text, "the argument").encode()).decode(),
    "States.Format": formatted,
    "States.Hash": hashed,
    "States.JsonMerge": merged,
    "States.JsonToString": text,
    "States.MathAdd": lambda a, b: rounded(a) + rounded(b),
    "States.MathRandom": at_random,
    "States.StringSplit": split,
    "States.StringToJson": lambda text: value_of(of(str, text, "the argument")),
    "States.UUID": lambda: str(uuid.uuid4()),
}
