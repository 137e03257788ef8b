"""Executions while they run: their histories, how long they may take, and whether they still do."""

import contextvars
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

from ministack.services import stepfunctions

from asl.faults import TimedOutTask

_HISTORY = threading.Lock()
_TICK_SECONDS = 0.1  # how soon what waits sees that it shall end


class Stopped(Exception):
    """The execution was stopped, or a branch beside this one has failed."""


class TimedOut(Exception):
    """The execution has run longer than its workflow's TimeoutSeconds."""


class Branch:
    """One line of states in an execution, with the event that the next one follows."""

    transitions = None  # the account's bucket of them, where quotas are played

    def __init__(self, execution, progress, deadline=None, after=0, ends=(), path=()):
        self.execution, self.progress, self.deadline, self.after = execution, progress, deadline, after
        self.ends, self.path = ends, path

    def record(self, kind, key="", **details):
        details = {name: value for name, value in details.items() if value is not None}
        with _HISTORY:
            self.check_siblings()
            event = stepfunctions._add_event(self.execution, kind, {key: details} if key else None)
            event["previousEventId"] = self.after
        self.after = event["id"]

    def fork(self, end, path):
        """A branch within this one, which stops when the event is set."""
        return Branch(self.execution, self.progress, self.deadline, self.after, (*self.ends, end), path)

    @staticmethod
    def stop(end):
        with _HISTORY:  # what is stopped records nothing more
            end.set()

    def check_siblings(self):
        if any(end.is_set() for end in self.ends):
            raise Stopped

    def check(self):
        self.check_siblings()
        if self.execution["status"] != "RUNNING":
            raise Stopped
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise TimedOut

    def transit(self):
        """Enter a state: over the quota of transitions that takes its time."""
        self.check()
        left = self.transitions.delay() if self.transitions else 0
        while left > 0:
            time.sleep(min(left, _TICK_SECONDS))
            left -= _TICK_SECONDS
            self.check()

    def rest(self, seconds):
        """Sleep, but for no longer than the execution may run."""
        self.check()
        slices = max(1, math.ceil(seconds * stepfunctions._SFN_WAIT_SCALE / _TICK_SECONDS))
        for _ in range(slices):
            stepfunctions._scaled_sleep(seconds / slices)
            self.check()

    def within(self, work, limit=None, heartbeat=None, beat=None):
        """What a task's work returns, given up after a number of seconds, or without a new heartbeat for as many."""
        if limit is None and beat is None and self.deadline is None:
            return work()
        pool = ThreadPoolExecutor(max_workers=1)
        started = beaten = time.monotonic()
        last = None
        try:
            future = pool.submit(contextvars.copy_context().run, work)
            while not wait([future], _TICK_SECONDS).done:
                self.check()
                now = time.monotonic()
                if beat and beat() != last:
                    last, beaten = beat(), now
                if limit is not None and now - started >= limit:
                    raise TimedOutTask()
                if heartbeat is not None and now - beaten >= heartbeat:
                    raise TimedOutTask(heartbeat=True)
            return future.result()
        finally:
            pool.shutdown(wait=False)  # what was given up goes on, as a function does
