"""Finds objects and items without looking through all of them, as S3 and DynamoDB do.

MiniStack lists the versions of one key by a walk through every key, queries an index by a walk through the whole table,
and counts a table's items at each write, so everything becomes slower with what is stored. Its own functions still make
the answers. They are given what they would have selected, instead of everything.
"""

import copy
import threading
from bisect import bisect_left, insort
from collections import defaultdict
from types import FunctionType

from ministack.services import dynamodb, s3


_LOCK = threading.RLock()  # workflows and the deletion of expired items run in threads beside the requests


class Ordered(dict):
    """A dict that knows the order of its keys."""

    def __init__(self, items=()):
        super().__init__(items)
        self._order = sorted(self)

    def __setitem__(self, key, value):
        with _LOCK:
            if key not in self:
                insort(self._order, key)
            super().__setitem__(key, value)

    def __delitem__(self, key):
        with _LOCK:
            super().__delitem__(key)
            del self._order[bisect_left(self._order, key)]

    def setdefault(self, key, default=None):
        with _LOCK:
            if key not in self:
                self[key] = default
            return self[key]

    def pop(self, key, *default):
        with _LOCK:
            if key not in self:
                return super().pop(key, *default)
            value = self[key]
            del self[key]
            return value

    def clear(self):
        with _LOCK:
            super().clear()
            self._order.clear()

    def __deepcopy__(self, memo):
        return Ordered(copy.deepcopy(dict(self), memo))

    def among(self, first, belongs):
        """The entries from the first key on, in order, as long as their keys belong."""
        found = {}
        with _LOCK:
            for i in range(bisect_left(self._order, first), len(self._order)):
                key = self._order[i]
                if not belongs(key):
                    break
                found[key] = self[key]
        return found


class Partition(dict):
    """The items of one partition key by their sort key. Tells the table's items what changes."""

    def __init__(self, items, pk):
        super().__init__()
        self._items, self._pk = items, pk

    def __setitem__(self, sk, item):
        with _LOCK:
            super().__setitem__(sk, item)
            self._items.changed(self._pk, sk, item)

    def __delitem__(self, sk):
        with _LOCK:
            super().__delitem__(sk)
            self._items.changed(self._pk, sk, None)

    def pop(self, sk, *default):
        with _LOCK:
            value = super().pop(sk, *default)
            self._items.changed(self._pk, sk, None)
            return value

    def __deepcopy__(self, memo):
        return copy.deepcopy(dict(self), memo)


class Items(defaultdict):
    """The items of a table by partition and sort key, and by any other attribute that is asked for."""

    def __init__(self, items):
        super().__init__()
        self._by = {}  # attribute -> value -> {(pk, sk): item}
        self._at = {}  # attribute -> (pk, sk) -> value
        for pk, partition in items.items():
            for sk, item in partition.items():
                self[pk][sk] = item

    def __missing__(self, pk):
        with _LOCK:
            return dict.setdefault(self, pk, Partition(self, pk))

    def __deepcopy__(self, memo):
        return defaultdict(dict, copy.deepcopy(dict(self), memo))

    def changed(self, pk, sk, item):
        for attribute in self._by:
            self._place(attribute, pk, sk, item)

    def changed_unseen(self):
        """Items were changed in place: find out anew where they are."""
        with _LOCK:
            self._by.clear()
            self._at.clear()

    def _place(self, attribute, pk, sk, item):
        by, at = self._by[attribute], self._at[attribute]
        if (pk, sk) in at:
            before = at.pop((pk, sk))
            del by[before][pk, sk]
            if not by[before]:
                del by[before]
        if item is not None and attribute in item:
            value = at[pk, sk] = dynamodb._extract_key_val(item[attribute])
            by.setdefault(value, {})[pk, sk] = item

    def with_value(self, attribute, value):
        """The items whose attribute has the value, by partition and sort key."""
        found = defaultdict(dict)
        with _LOCK:
            if attribute not in self._by:
                self._by[attribute], self._at[attribute] = {}, {}
                for pk, partition in list(self.items()):
                    for sk, item in partition.items():
                        self._place(attribute, pk, sk, item)
            for (pk, sk), item in self._by[attribute].get(value, {}).items():
                found[pk][sk] = item
        return found


class Tables(type(dynamodb._tables)):
    """MiniStack's tables, whose items are indexed."""

    __slots__ = ()

    def __setitem__(self, name, table):
        if not isinstance(table["items"], Items):
            table["items"] = Items(table["items"])
        super().__setitem__(name, table)


class Buckets(type(s3._buckets)):
    """MiniStack's buckets, whose keys are in order."""

    __slots__ = ()

    def __setitem__(self, name, bucket):
        if not isinstance(bucket["objects"], Ordered):
            bucket["objects"] = Ordered(bucket["objects"])
        super().__setitem__(name, bucket)

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]


def instead(function, **names):
    """The function, to which some names of its module mean something else."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__)


_QUERY = getattr(dynamodb, "_query", None)


def query(data):
    name, index = data.get("TableName"), data.get("IndexName")
    table = dynamodb._tables.get(name) if isinstance(name, str) and index else None
    if not table or not isinstance(table["items"], Items):
        return _QUERY(data)
    hash_key, _, _ = dynamodb._resolve_index_keys(table, index)
    value = partition_of(data, hash_key)
    if value is None:
        return _QUERY(data)
    return instead(_QUERY, _tables={name: {**table, "items": table["items"].with_value(hash_key, value)}})(data)


def partition_of(data, hash_key):
    """The value of an index's partition key that a query is for."""
    try:
        if data.get("KeyConditions"):
            return dynamodb._extract_pk_from_key_conditions(data["KeyConditions"], hash_key)
        values, names = data.get("ExpressionAttributeValues") or {}, data.get("ExpressionAttributeNames") or {}
        return dynamodb._extract_pk_from_condition(data.get("KeyConditionExpression") or "", values, names, hash_key)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # MiniStack says what is wrong


_PARTIQL_UPDATE = getattr(dynamodb, "_partiql_update", None)


def partiql_update(table, parsed):
    try:
        return _PARTIQL_UPDATE(table, parsed)
    finally:
        if isinstance(table["items"], Items):
            table["items"].changed_unseen()


_LIST_OBJECT_VERSIONS = getattr(s3, "_list_object_versions", None)


def list_object_versions(name, parameters):
    bucket = s3._ensure_bucket(name)
    prefix = s3._qp(parameters, "prefix", "")
    if bucket is None or not prefix or not isinstance(bucket["objects"], Ordered):
        return _LIST_OBJECT_VERSIONS(name, parameters)
    objects = bucket["objects"].among(prefix, lambda key: key.startswith(prefix))
    account = s3.get_account_id()
    found = s3._object_versions._data.among(
        (account, (name, prefix)), lambda scoped: scoped[0] == account and scoped[1][0] == name and scoped[1][1].startswith(prefix))
    versions = {key: of for (_, key), of in found.items()}
    narrow = {**bucket, "objects": objects}
    return instead(_LIST_OBJECT_VERSIONS, _ensure_bucket=lambda _: narrow, _object_versions=versions)(name, parameters)


def leave_counts(table):
    """DynamoDB brings a table's ItemCount and TableSizeBytes up to date every six hours or so: never here."""


def install(replace):
    """Make MiniStack use what is above."""
    dynamodb._tables.__class__ = Tables
    s3._buckets.__class__ = Buckets
    s3._object_versions._data = Ordered(s3._object_versions._data)
    replace(dynamodb, "_query", query)
    replace(dynamodb, "_partiql_update", partiql_update)
    replace(dynamodb, "_update_counts", leave_counts)
    replace(s3, "_list_object_versions", list_object_versions)
