"""Runs workflows in the Amazon States Language.

MiniStack 1.4.21 runs a part of the language: no Assign and no variables in JSONPath, no Retry and Catch of Map and
Parallel, no JSONata in Wait, Map, Parallel, Succeed and Fail and a part of it elsewhere, no ErrorPath, no batches, no
comparison with paths but of equality. This does, and records the states within a Map or Parallel. The services behind a
Task are MiniStack's.
"""

import json
import time

from ministack.services import stepfunctions

from asl.branch import Branch, Stopped, TimedOut
from asl.faults import Failure
from asl.progress import Progress
from asl.scope import Scope
from asl.steps import run_states
from asl.texts import text


def run_execution(arn):
    execution = stepfunctions._executions.get(arn)
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
    if not machine:
        return
    time.sleep(0.15)  # as MiniStack: an execution is seen RUNNING first
    progress = execution.setdefault("progress", Progress(machine["definition"]))
    branch = Branch(execution, progress, after=len(execution["events"]))
    if branch.after == 1:
        branch.after = 0  # as on AWS: the first state follows no event
    try:
        definition = json.loads(progress.definition)
        if "TimeoutSeconds" in definition:
            branch.deadline = time.monotonic() + definition["TimeoutSeconds"]
        entered = json.loads(execution["input"])
        scope = Scope({
            "Execution": {"Id": arn, "Input": entered, "Name": execution["name"], "RoleArn": machine["roleArn"],
                          "StartTime": execution["startDate"], **redrives(execution)},
            "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        })
        output = run_states(definition, entered, scope, branch, definition.get("QueryLanguage", "JSONPath"))
    except Stopped:
        return
    except TimedOut:
        end(branch, "TIMED_OUT")
    except Failure as failure:
        end(branch, "FAILED", error=failure.error, cause=failure.cause)
    except Exception as error:
        stepfunctions.logger.exception("Unexpected error in execution %s", arn)
        end(branch, "FAILED", error="States.Runtime", cause=repr(error))
    else:
        end(branch, "SUCCEEDED", output=text(output))


def redrives(execution):
    count = execution.get("redriveCount", 0)
    return {"RedriveCount": count, "RedriveTime": execution["redriveDate"]} if count else {"RedriveCount": 0}


def end(branch, status, **details):
    execution = branch.execution
    if execution["status"] != "RUNNING":
        return
    kind = {"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed", "TIMED_OUT": "ExecutionTimedOut"}[status]
    branch.record(kind, kind[0].lower() + kind[1:] + "EventDetails", **details)
    execution.update(details, stopDate=stepfunctions.now_iso())
    if status == "SUCCEEDED":
        del execution["progress"]
    execution["status"] = status  # the last: whoever sees it sees the rest
