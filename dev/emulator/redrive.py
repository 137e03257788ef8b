"""RedriveExecution, which MiniStack lacks: an execution that has not succeeded goes on from where it failed."""

import contextvars
import json
import threading
from datetime import datetime, timedelta, timezone

from ministack.services import stepfunctions

from asl.interpreter import run_execution

_REDRIVABLE_FOR = timedelta(days=14)
_MOST_REDRIVES = 1000
_MOST_EVENTS = 24_999  # a history of so many has no room for a redrive
_TOKENS_KEPT = 10
_TOKEN_LIFE = timedelta(minutes=15)
_TURN = threading.Lock()  # two requests with one token must not both redrive
_HANDLE = stepfunctions.handle_request
_DESCRIBE = stepfunctions._describe_execution


async def handle_request(method, path, headers, body, query):
    if headers.get("x-amz-target", "").split(".")[-1] == "RedriveExecution":
        return stepfunctions._finalize_response(redrive(json.loads(body)))
    return await _HANDLE(method, path, headers, body, query)


def redrive(data):
    execution = stepfunctions._executions.get(data.get("executionArn"))
    if not execution:
        return stepfunctions.error_response_json(
            "ExecutionDoesNotExist", f"Execution Does Not Exist: '{data.get('executionArn')}'", 400)
    with _TURN:
        return _redrive(execution, data.get("clientToken"))


def _redrive(execution, token):
    now = datetime.now(timezone.utc)
    tokens = execution.setdefault("redriveTokens", {})  # by token: when it redrove the execution, and the answer
    if token in tokens and now - tokens[token][0] <= _TOKEN_LIFE:
        return stepfunctions.json_response({"redriveDate": tokens[token][1]})
    reason = unredrivable(execution)
    if reason:
        return stepfunctions.error_response_json("ExecutionNotRedrivable", reason, 400)
    execution.update(redriveCount=execution.get("redriveCount", 0) + 1, redriveDate=stepfunctions.now_iso(),
                     stopDate=None, error=None, cause=None, status="RUNNING")
    if token:
        tokens[token] = now, execution["redriveDate"]
        for old in list(tokens)[:-_TOKENS_KEPT]:
            del tokens[old]
    stepfunctions._add_event(
        execution, "ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": execution["redriveCount"]}})
    threading.Thread(
        target=contextvars.copy_context().run, args=(run_execution, execution["executionArn"]), daemon=True).start()
    return stepfunctions.json_response({"redriveDate": execution["redriveDate"]})


def unredrivable(execution):
    """Why an execution cannot be redriven, or None."""
    if execution["status"] == "RUNNING":
        return "Execution is RUNNING and cannot be redriven"
    if execution["status"] == "SUCCEEDED":
        return "Execution is SUCCEEDED and cannot be redriven"
    stopped = datetime.fromisoformat(execution["stopDate"].replace("Z", "+00:00"))
    if datetime.now(timezone.utc) - stopped > _REDRIVABLE_FOR:
        return "Execution history event retention period has expired"
    if len(execution.get("events", ())) >= _MOST_EVENTS:
        return "Execution history size limit exceeded"
    if execution.get("redriveCount", 0) >= _MOST_REDRIVES:
        return f"Execution has been redriven {_MOST_REDRIVES} times"
    return None


def describe_execution(data):
    answer = _DESCRIBE(data)
    execution = stepfunctions._executions.get(data.get("executionArn"))
    if not execution:
        return answer
    reason = unredrivable(execution)
    told = {
        "redriveCount": execution.get("redriveCount", 0), "redriveDate": execution.get("redriveDate"),
        "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE", "redriveStatusReason": reason,
    }
    present = {name: value for name, value in told.items() if value is not None}
    return stepfunctions.json_response({**json.loads(answer[2]), **present})


def install(replace):
    replace(stepfunctions, "handle_request", handle_request)
    replace(stepfunctions, "_describe_execution", describe_execution)
