"""The functions that Step Functions adds to JSONata, and $eval, which it leaves out.

As on AWS, fractions of arguments are cut off, and several arguments have no result (None) rather than an error: a part
of size 0, an empty array, a range without a step or whose step leads away, a hash without an algorithm.
"""

import hashlib
import math
import random
import uuid

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from asl.texts import value_of

_MOST_NUMBERS = 360_145  # of a range: AWS refuses one more

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def whole(number, function, place):
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise JException("T0410", -1, place, function)
    return math.trunc(number)


def text(value, function, place):
    if not isinstance(value, str):
        raise JException("T0410", -1, place, function)
    return value


def partition(array=None, chunk=None):
    if array is None or chunk is None:
        return None
    array, chunk = array if isinstance(array, list) else [array], whole(chunk, "partition", 2)
    if chunk < 0:
        raise JException("T0410", -1, 2, "partition")
    return [list(array[i:i + chunk]) for i in range(0, len(array), chunk)] or None if chunk else None


def ranged(first=None, last=None, step=None):
    if first is None or last is None or step is None:
        return None
    first, last, step = (whole(number, "range", i + 1) for i, number in enumerate((first, last, step)))
    if step == 0 or (last - first) * step < 0:
        return None
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > _MOST_NUMBERS:
        raise JException("D2014", -1, len(numbers))
    return numbers[0] if len(numbers) == 1 else list(numbers)


def hashed(data=None, algorithm=None):
    if data is None or algorithm is None:
        return None
    if text(algorithm, "hash", 2) not in _ALGORITHMS:
        raise ValueError(f"the algorithm of $hash must be one of {', '.join(_ALGORITHMS)}, got {algorithm}")
    return hashlib.new(_ALGORITHMS[algorithm], text(data, "hash", 1).encode()).hexdigest()


def at_random(seed=None):
    if seed is None:
        return random.random()
    bits = []  # as java.util.Random makes a double of a seed
    state = whole(seed, "random", 1) ^ 0x5DEECE66D
    for wanted in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) % 2**48
        bits.append(state >> 48 - wanted)
    return (bits[0] * 2**27 + bits[1]) / 2**53


def parsed(data=None):
    if data is None:
        return None
    value = value_of(text(data, "parse", 1))
    return Utils.NULL_VALUE if value is None else value


def refused(*_):
    raise ValueError("$eval is not supported, use $parse")


FUNCTIONS = {name: Jsonata.JLambda(function) for name, function in {
    "partition": partition, "range": ranged, "hash": hashed, "random": at_random, "uuid": lambda: str(uuid.uuid4()),
    "parse": parsed, "eval": refused,
}.items()}
