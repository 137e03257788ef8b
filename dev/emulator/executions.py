"""Executions at the API of Step Functions: how they start, what lists of them and histories say, nested ones."""

import json
import re
import time
from datetime import datetime

from ministack.services import stepfunctions

from asl.faults import Failure
from asl.limits import MAX_BYTES
from asl.texts import text, value_of

_START = stepfunctions._start_execution
_LIST = stepfunctions._list_executions
_ADD_EVENT = stepfunctions._add_event

_LONGEST_NAME = 80  # characters
_LONGEST_CAUSE = 32_768  # characters
_UNNAMEABLE = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
_POLL_SECONDS = 0.05


def start_execution(data):
    """Start an execution, unless its name or input is refused. A name in use answers as before for the same input."""
    fault = refused(data)
    if fault:
        return stepfunctions.error_response_json(*fault, 400)
    twin = stepfunctions._executions.get(arn_of(data))
    if twin and twin["status"] == "RUNNING" and twin["input"] == data.get("input", "{}"):
        return stepfunctions.json_response({"executionArn": twin["executionArn"], "startDate": twin["startDate"]})
    return _START(data)


def refused(data):
    """The error and the message with which AWS refuses a start, or None."""
    name, entered = data.get("name"), data.get("input", "{}")
    if name is not None and not 1 <= len(name) <= _LONGEST_NAME:
        return "ValidationException", f"Value at 'name' must have 1 to {_LONGEST_NAME} characters, got {len(name)}"
    if name is not None and _UNNAMEABLE.search(name):
        return "InvalidName", f"Invalid Name: '{name}'"
    if len(entered.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return "ValidationException", f"Value at 'input' must have at most {MAX_BYTES} bytes"
    try:
        value_of(entered)
    except ValueError as error:
        return "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
    return None


def arn_of(data):
    machine = stepfunctions._state_machines.get(
        stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", "").split("#")[0]))
    return machine and data.get("name") and (
        f"arn:aws:states:{stepfunctions.get_region()}:{stepfunctions.get_account_id()}"
        f":execution:{machine['name']}:{data['name']}")


def start_nested(resource, argument):
    """What a task gets that starts an execution: its ARN and date."""
    request = stepfunctions._nested_start_execution_request(argument)
    if not isinstance(argument.get("Input", ""), str):
        request["input"] = text(argument["Input"])
    status, _, body = stepfunctions._start_execution(request)
    answer = json.loads(body)
    if status >= 400:
        error = answer["__type"]
        raise Failure(f"StepFunctions.{error.removesuffix('Exception')}Exception", answer["message"])
    return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"]}


def run_nested(resource, argument):
    """What a task gets that starts an execution and waits for its end."""
    execution = stepfunctions._executions[start_nested(resource, argument)["ExecutionArn"]]
    while execution["status"] == "RUNNING":
        time.sleep(_POLL_SECONDS)
    if execution["status"] != "SUCCEEDED":
        raise Failure(*nested_failure(execution))
    output = execution["output"]
    return {
        "ExecutionArn": execution["executionArn"], "Input": execution["input"], "InputDetails": {"Included": True},
        "Name": execution["name"], "Output": json.loads(output) if resource.endswith(".sync:2") else output,
        "OutputDetails": {"Included": True}, "StartDate": milliseconds(execution["startDate"]),
        "StateMachineArn": execution["stateMachineArn"], "Status": execution["status"],
        "StopDate": milliseconds(execution["stopDate"]),
    }


def milliseconds(at):
    return round(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() * 1000)


def nested_failure(execution):
    """States.TaskFailed with the child's description as the cause, cut where causes end."""
    description = {
        "Cause": execution.get("cause"), "Error": execution.get("error"), "ExecutionArn": execution["executionArn"],
        "Input": execution["input"], "InputDetails": {"Included": True}, "Name": execution["name"],
        "StartDate": milliseconds(execution["startDate"]), "StateMachineArn": execution["stateMachineArn"],
        "Status": execution["status"], "StopDate": milliseconds(execution["stopDate"]),
    }
    present = {name: value for name, value in description.items() if value is not None}
    return "States.TaskFailed", text(present)[:_LONGEST_CAUSE]


def list_executions(data):
    """List executions of one status, or those that were redriven, newest first, as Step Functions does.

    Lists of every status stay in the order of starting, which the bridge relies on.
    """
    status, redrives = data.get("statusFilter"), data.get("redriveFilter")
    if not status and not redrives:
        return _LIST(data)
    listed = [
        {"redriveCount": e.get("redriveCount", 0),
         **{key: e.get(key) for key in ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")}}
        for e in list(stepfunctions._executions.values())
        if e["stateMachineArn"] == data.get("stateMachineArn") and (not status or e["status"] == status)
        and (not redrives or (redrives == "REDRIVEN") == (e.get("redriveCount", 0) > 0))
    ]
    listed.sort(key=lambda e: e["startDate"], reverse=True)
    start = int(data.get("nextToken") or 0)
    end = start + int(data.get("maxResults") or 100)
    answer = {"executions": listed[start:end]}
    if end < len(listed):
        answer["nextToken"] = str(end)
    return stepfunctions.json_response(answer)


def add_event(execution, kind, details=None):
    """Name the event that led to this one: the one before, unless the interpreter knows better."""
    event = _ADD_EVENT(execution, kind, details)
    event["previousEventId"] = event["id"] - 1
    return event


def install(replace):
    replace(stepfunctions, "_start_execution", start_execution)
    replace(stepfunctions, "_list_executions", list_executions)
    replace(stepfunctions, "_add_event", add_event)
    replace(stepfunctions, "_invoke_nested_start_execution", start_nested)
    replace(stepfunctions, "_invoke_nested_start_execution_sync", run_nested)
