"""Plays the quotas of Step Functions: how often an account may call it, and how fast its states follow each other.

Quotas are token buckets, with the figures that the Developer Guide gives for a Region. Calls over them are refused;
state transitions are delayed, which CloudWatch shows as ExecutionThrottled.
"""

import contextvars
import threading
import time

from ministack.services import stepfunctions

from asl.branch import Branch

# Bucket size and refill per second: "large" in us-east-1, us-west-2 and eu-west-1, "other" elsewhere. A "new" account
# differs from "other" in the concurrency of Lambda, which the Lambda host limits.
CALLS = {
    "large": {"_start_execution": (1300, 300), "_describe_execution": (300, 15),
              "_get_execution_history": (400, 20), "_list_executions": (200, 10)},
    "other": {"_start_execution": (800, 150), "_describe_execution": (250, 10),
              "_get_execution_history": (400, 20), "_list_executions": (200, 5)},
}
CALLS["new"] = CALLS["other"]
# Whose access key this is only watches: on AWS there is nobody who would.
_OBSERVER = "Credential=observer/"
_UNCOUNTED = contextvars.ContextVar("uncounted", default=False)

TRANSITIONS = {"large": (5000, 1500), "other": (800, 500), "new": (800, 500)}


class Bucket:
    """Tokens that are refilled at a rate, up to the bucket's size."""

    def __init__(self, most, rate):
        self.most, self.rate = most, rate
        self.tokens, self.seen = most, time.monotonic()
        self.lock = threading.Lock()

    def refill(self):
        now = time.monotonic()
        self.tokens = min(self.most, self.tokens + (now - self.seen) * self.rate)
        self.seen = now

    def take(self):
        """Take a token, if there is one."""
        with self.lock:
            self.refill()
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True

    def delay(self):
        """Take a token, perhaps one that is still to come: in how many seconds."""
        with self.lock:
            self.refill()
            self.tokens -= 1
            return max(0.0, -self.tokens / self.rate)

    def spend(self, amount):
        """Take tokens after the fact, also more than there are."""
        with self.lock:
            self.refill()
            self.tokens -= amount

    def empty(self):
        with self.lock:
            self.refill()
            return self.tokens <= 0


def throttled(handler, bucket):
    def handle(data):
        if not _UNCOUNTED.get() and not bucket.take():
            return stepfunctions.error_response_json("ThrottlingException", "Rate exceeded", 400)
        return handler(data)
    return handle


def watched(handler):
    async def handle(method, path, headers, body, query):
        _UNCOUNTED.set(_OBSERVER in headers.get("authorization", ""))
        return await handler(method, path, headers, body, query)
    return handle


def install(replace, region):
    replace(stepfunctions, "handle_request", watched(stepfunctions.handle_request))
    for name, quota in CALLS[region].items():
        replace(stepfunctions, name, throttled(getattr(stepfunctions, name), Bucket(*quota)))
    Branch.transitions = Bucket(*TRANSITIONS[region])
