"""Executions while they run: their histories, how long they may take, and whether they still do."""

import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor, TimeoutError

from ministack.services import stepfunctions

from asl.query import Failure

_HISTORY = threading.Lock()


class Stopped(Exception):
    """Somebody stopped the execution."""


class TimedOut(Exception):
    """The execution has run longer than its workflow's TimeoutSeconds."""


class Branch:
    """One line of states in an execution, with the event that the next one follows."""

    def __init__(self, execution, deadline=None, after=1):
        self.execution, self.deadline, self.after = execution, deadline, after

    def record(self, kind, key="", **details):
        with _HISTORY:
            event = stepfunctions._add_event(self.execution, kind, {key: details} if key else None)
            event["previousEventId"] = self.after
        self.after = event["id"]

    def fork(self):
        return Branch(self.execution, self.deadline, self.after)

    def check(self):
        if self.execution["status"] != "RUNNING":
            raise Stopped
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise TimedOut

    def rest(self, seconds):
        """Sleep, but for no longer than the execution may run."""
        if self.deadline is not None:
            seconds = min(seconds, self.deadline - time.monotonic())
        stepfunctions._scaled_sleep(seconds)
        self.check()

    def within(self, limit, work):
        """What work returns, given up after a number of seconds, or when the execution may run no longer."""
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if limit is None and left is None:
            return work()
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            return pool.submit(contextvars.copy_context().run, work).result(min(x for x in (limit, left) if x is not None))
        except TimeoutError:
            self.check()
            raise Failure("States.Timeout", "") from None
        finally:
            pool.shutdown(wait=False)  # what was given up goes on, as a function does
