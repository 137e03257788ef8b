"""Failures of states, and the Retry or Catch that is for them."""

import random

from ministack.services import stepfunctions

Failure = stepfunctions._ExecutionError


class Fault(Failure):
    """A failure that the interpreter reports, not a task or a Fail: its cause says in which state."""

    located = False
    field = None  # of the expression that failed


class TimedOutTask(Failure):
    """A task that took too long, or whose heartbeats failed to come: AWS reports both in this way, without a cause."""

    def __init__(self, heartbeat=False):
        super().__init__("States.Timeout", None)
        self.heartbeat = heartbeat


class TooLarge(Failure):
    """Data over the limit. States.ALL is for it only if a task's result was too large."""

    def __init__(self, name, result=False):
        super().__init__(
            "States.DataLimitExceeded",
            f"The state/task '{name}' returned a result with a size exceeding "
            "the maximum number of bytes service limit.")
        self.result = result


def runtime(cause):
    return Fault("States.Runtime", cause)


def output_of(failure):
    """What a Catch gets: an error or cause that is not there is an empty string."""
    return {"Error": failure.error or "", "Cause": failure.cause or ""}


def matching(handlers, failure, used=None):
    """The first Retry or Catch for a failure; of Retries the first one that is not used up, or none."""
    for index, handler in enumerate(handlers):
        if catches(handler["ErrorEquals"], failure):
            if used is not None and used.get(index, 0) >= handler.get("MaxAttempts", 3):
                return None
            return index
    return None


def catches(names, failure):
    if failure.error == "States.Runtime":
        return False  # nothing retries or catches it, also not by its name
    if failure.error in names or getattr(failure, "heartbeat", False) and "States.HeartbeatTimeout" in names:
        return True
    if failure.error == "States.DataLimitExceeded" and not getattr(failure, "result", False):
        return False
    return "States.ALL" in names or "States.TaskFailed" in names and failure.error != "States.Timeout"


def pause(retrier, count):
    """The seconds before a retry, of which this is the count-th."""
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** (count - 1)
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds
