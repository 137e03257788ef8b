"""Plays what DynamoDB refuses when much is asked of one item or partition at once.

A transaction takes a moment. Meanwhile another one with an item of it is cancelled, and a single write to such an item
is refused. An item takes 1,000 write units a second, and a partition gives 3,000 read units.
"""

import asyncio
import json
import math
import re
import zlib
from collections import defaultdict

from ministack.services import dynamodb

from quotas import Bucket

_WRITE_UNITS, _READ_UNITS = 1000, 3000  # a second
_WRITE_BYTES, _READ_BYTES = 1024, 4096  # of a unit
_ONGOING = "Transaction is ongoing for the item"
_KEY = re.compile(r"([#\w.]+)\s*=\s*(:\w+)")  # the first comparison of a key condition is the partition's


class Contention:
    def __init__(self, handler, seconds):
        self.handler, self.seconds = handler, seconds
        self.busy = set()
        self.writes = defaultdict(lambda: Bucket(_WRITE_UNITS, _WRITE_UNITS))
        self.reads = defaultdict(lambda: Bucket(_READ_UNITS, _READ_UNITS))

    async def handle(self, method, path, headers, body, query):
        action = headers.get("x-amz-target", "").split(".")[-1]
        play = {
            "PutItem": self.write, "UpdateItem": self.write, "DeleteItem": self.write, "BatchWriteItem": self.batch,
            "GetItem": self.read, "Query": self.read, "TransactWriteItems": self.transact,
            "TransactGetItems": self.transact,
        }.get(action)

        async def proceed(data=None):
            return await self.handler(method, path, headers, json.dumps(data).encode() if data else body, query)

        try:
            data = json.loads(body) if play else None
        except ValueError:
            play = None
        return await (play(action, data, proceed) if play else proceed())

    async def write(self, action, data, proceed):
        item = target(data)
        if item is None:
            return await proceed()
        if item in self.busy:
            return refusal("TransactionConflictException", _ONGOING)
        if self.writes[item].empty():
            return too_much(item[0])
        before = stored_units(data)
        answer = await proceed()
        self.writes[item].spend(max(before, stored_units(data)))
        return answer

    async def batch(self, action, data, proceed):
        """The requests of a batch that are too much are handed back."""
        left, go = defaultdict(list), defaultdict(list)
        for table, requests in data.get("RequestItems", {}).items():
            for request in requests:
                single = {"TableName": table, **next(iter(request.values()), {})}
                item = target(single)
                refused = item is not None and (item in self.busy or self.writes[item].empty())
                (left if refused else go)[table].append(request)
                if item is not None and not refused:
                    self.writes[item].spend(stored_units(single))
        if left and not go:
            return too_much(next(iter(left)))
        status, headers, body = await proceed({**data, "RequestItems": dict(go)} if left else None)
        if not left or status != 200:
            return status, headers, body
        answer = json.loads(body)
        for table, requests in left.items():
            answer.setdefault("UnprocessedItems", {}).setdefault(table, []).extend(requests)
        return signed(status, headers, json.dumps(answer))

    async def read(self, action, data, proceed):
        partition = read_from(data)
        if partition is None:
            return await proceed()
        if self.reads[partition].empty():
            return too_much(partition[0])
        status, headers, body = await proceed()
        if status == 200:
            answer = json.loads(body)
            size = sum(map(dynamodb._item_size_bytes, answer.get("Items", [answer.get("Item")])))
            units = max(1, math.ceil(size / _READ_BYTES))
            self.reads[partition].spend(units if data.get("ConsistentRead") else units / 2)
        return status, headers, body

    async def transact(self, action, data, proceed):
        operations = [dict(next(iter(entry.values()), {})) for entry in data.get("TransactItems", [])]
        items = [target(operation) for operation in operations]
        writes = action == "TransactWriteItems"
        reasons = [self.reason(item, writes) for item in items]
        if writes:
            for item, operation in zip(items, operations):
                if item is not None:
                    self.writes[item].spend(2 * stored_units(operation))  # also if it is cancelled
        if any(reasons):
            return cancelled(reasons)
        if not writes:
            return await proceed()
        held = {item for item in items if item is not None}
        self.busy |= held
        try:
            await asyncio.sleep(self.seconds)
            return await proceed()
        finally:
            self.busy -= held

    def reason(self, item, writes):
        if item in self.busy:
            return {"Code": "TransactionConflict", "Message": _ONGOING}
        if writes and item is not None and self.writes[item].empty():
            error, message = over(item[0])
            return {"Code": error.replace("Exception", "").replace("Throttling", "ThrottlingError"), "Message": message}
        return None


def target(operation):
    """The item that an operation is for: its table and key."""
    table = dynamodb._tables.get(operation.get("TableName", ""))
    given = operation.get("Key") or operation.get("Item") or {}
    names = [name for name in (table["pk_name"], table["sk_name"]) if name] if table else []
    if not names or any(name not in given for name in names):
        return None
    return operation["TableName"], *(json.dumps(given[name]) for name in names)


def stored_units(operation):
    """The write units of an item, as it is stored or is to be."""
    table = dynamodb._tables.get(operation["TableName"])
    given = operation.get("Key") or operation.get("Item") or {}
    stored = dynamodb._get_item_by_key(table, given)
    size = max(dynamodb._item_size_bytes(stored or {}), dynamodb._item_size_bytes(operation.get("Item") or {}))
    return max(1, math.ceil(size / _WRITE_BYTES))


def read_from(data):
    """The partition that a read is of: the table, the index and the key's value."""
    if "Key" in data:
        item = target(data)
        return item and (item[0], "", item[1])
    comparison = _KEY.search(data.get("KeyConditionExpression", ""))
    value = data.get("ExpressionAttributeValues", {}).get(comparison.group(2)) if comparison else None
    return value and (data["TableName"], data.get("IndexName", ""), json.dumps(value))


def over(table):
    """What AWS calls it when a table is asked too much of one key: that depends on how the table is paid."""
    mode = (dynamodb._tables.get(table) or {}).get("BillingModeSummary", {}).get("BillingMode")
    if mode == "PAY_PER_REQUEST":
        return "ThrottlingException", "Throughput exceeds the current capacity of your table or index."
    return "ProvisionedThroughputExceededException", "The level of configured provisioned throughput was exceeded."


def too_much(table):
    return refusal(*over(table))


def cancelled(reasons):
    codes = ", ".join(reason["Code"] if reason else "None" for reason in reasons)
    return refusal(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=[reason or {"Code": "None"} for reason in reasons])


def refusal(error, message, **more):
    status, headers, body = dynamodb.error_response_json(error, message, 400)
    return signed(status, headers, json.dumps({**json.loads(body), **more}))


def signed(status, headers, body):
    """With the checksum that the SDK compares."""
    data = body.encode() if isinstance(body, str) else body
    return status, {**headers, "x-amz-crc32": str(zlib.crc32(data) & 0xFFFFFFFF)}, data


def install(replace, seconds):
    replace(dynamodb, "handle_request", Contention(dynamodb.handle_request, seconds).handle)
