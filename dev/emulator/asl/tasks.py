"""What tasks call: MiniStack's services and functions, and workers that send a token back."""

import functools
import json
import threading
import uuid

from ministack.services import stepfunctions

from asl import fields
from asl.faults import Failure, TimedOutTask
from asl.limits import within_limit
from asl.texts import text

_MOST_SECONDS = 99_999_999


def call(step):
    resource = step.state["Resource"]
    activity = ":activity:" in resource
    token = str(uuid.uuid4()) if activity or ".waitForTaskToken" in resource else None
    if token and not activity:
        step.scope.context["Task"] = {"Token": token}
    argument = step.parameters()
    limit = fields.number(step, "TimeoutSeconds", least=1, most=_MOST_SECONDS)
    heartbeat = fields.number(step, "HeartbeatSeconds", least=1, most=_MOST_SECONDS)
    record = functools.partial(function_event if resource.split(":")[2:3] == ["lambda"] else task_event, step)
    record("Scheduled", argument, timeoutInSeconds=limit, heartbeatInSeconds=heartbeat)
    if token:
        work, beat = functools.partial(answered, resource, argument, token), functools.partial(heartbeat_of, token)
    else:
        work, beat = functools.partial(stepfunctions._invoke_resource, resource, argument), None
        heartbeat = None  # only who has a token can send one
    try:
        result = step.branch.within(work, limit, heartbeat, beat)
        within_limit(result, integration(resource)[0] or resource, result=True)
    except TimedOutTask as failure:
        record("TimedOut", error=failure.error)
        raise
    except Failure as failure:
        record("Failed", error=failure.error, cause=failure.cause)
        raise
    finally:
        waiting = stepfunctions._task_tokens.pop(token, None)
        if waiting:
            waiting["event"].set()  # nobody waits for the answer any longer
    record("Succeeded", output=text(result))
    return result


def integration(resource):
    """The service that a task calls, as histories name it, and the action."""
    service, _, action = resource.partition(":::")[2].partition(":")
    if service == "aws-sdk":
        name, _, action = action.partition(":")
        service = f"aws-sdk:{name}"
    return service, action


def answered(resource, argument, token):
    """What a worker sends back for a token, which the activity's queue or the called service has given it."""
    waiting = {"event": threading.Event(), "result": "{}", "error": None, "heartbeat": None}
    stepfunctions._task_tokens[token] = waiting
    if ":activity:" in resource:
        if resource not in stepfunctions._activities:
            raise Failure("ActivityDoesNotExist", f"Activity {resource} not found")
        stepfunctions._activity_tasks[resource].append({"taskToken": token, "input": text(argument)})
    else:
        stepfunctions._invoke_resource(resource.replace(".waitForTaskToken", ""), argument)
    waiting["event"].wait()
    if waiting["error"]:
        raise Failure(waiting["error"].get("Error"), waiting["error"].get("Cause"))
    return json.loads(waiting["result"])


def heartbeat_of(token):
    return stepfunctions._task_tokens.get(token, {}).get("heartbeat")


def task_event(step, what, argument=None, **details):
    if what == "Scheduled":
        details.update(parameters=text(argument), region=stepfunctions.get_region())
    service, action = integration(step.state["Resource"])
    step.branch.record(f"Task{what}", f"task{what}EventDetails", resource=action or step.state["Resource"],
                       resourceType=service or "states", **details)


def function_event(step, what, argument=None, **details):
    """What is told of a task that is a function's ARN."""
    if what == "Scheduled":
        details.pop("heartbeatInSeconds")
        details.update(resource=step.state["Resource"], input=text(argument))
    step.branch.record(f"LambdaFunction{what}", f"lambdaFunction{what}EventDetails", **details)
