"""Runs workflows in the Amazon States Language.

MiniStack 1.4.21 runs a part of the language: no Assign and no variables in JSONPath, no Retry and Catch of Map and
Parallel, no JSONata in Wait, Map, Parallel, Succeed and Fail and a part of it elsewhere, no ErrorPath, no batches, no
comparison with paths but of equality. This does, and records the states within a Map or Parallel. The services behind a
Task are MiniStack's.
"""

import contextvars
import functools
import json
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from ministack.services import stepfunctions

from asl.branch import Branch, Stopped, TimedOut
from asl.choice import holds
from asl.maps import run_items
from asl.query import Failure, Scope, evaluated, lookup, payload, placed

def run_execution(arn):
    execution = stepfunctions._executions.get(arn)
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
    if not machine:
        return
    time.sleep(0.15)  # as MiniStack: an execution is seen RUNNING first
    branch = Branch(execution)
    try:
        definition = json.loads(machine["definition"])
        if "TimeoutSeconds" in definition:
            branch.deadline = time.monotonic() + definition["TimeoutSeconds"]
        entered = json.loads(execution["input"])
        scope = Scope({
            "Execution": {"Id": arn, "Input": entered, "Name": execution["name"], "RoleArn": machine["roleArn"],
                          "StartTime": execution["startDate"], "RedriveCount": 0},
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
        end(branch, "SUCCEEDED", output=json.dumps(output))


def end(branch, status, **details):
    execution = branch.execution
    if execution["status"] != "RUNNING":
        return
    kind = {"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed", "TIMED_OUT": "ExecutionTimedOut"}[status]
    branch.record(kind, kind[0].lower() + kind[1:] + "EventDetails", **details)
    execution.update(details, stopDate=stepfunctions.now_iso())
    if status == "FAILED":
        execution["output"] = json.dumps({"Error": details["error"], "Cause": details["cause"]})
    execution["status"] = status  # the last: whoever sees it sees the rest


def run_states(workflow, data, scope, branch, language):
    """Run a workflow, or one within a state, from its first state to its end."""
    language = workflow.get("QueryLanguage", language)
    name = workflow["StartAt"]
    while name:
        branch.check()
        state = workflow["States"][name]
        kind = state["Type"]
        scope.context["State"] = {"Name": name, "EnteredTime": stepfunctions.now_iso(), "RetryCount": 0}
        branch.record(f"{kind}StateEntered", "stateEnteredEventDetails", name=name, input=json.dumps(data))
        step = Step(state, data, scope, branch, language)
        data, following = getattr(step, kind.lower())()
        branch.record(f"{kind}StateExited", "stateExitedEventDetails", name=name, output=json.dumps(data), **step.assigned)
        name = following
    return data


class Step:
    """One visit of a state."""

    def __init__(self, state, data, scope, branch, language):
        self.state, self.raw, self.scope, self.branch, self.top = state, data, scope, branch, language
        self.jsonata = state.get("QueryLanguage", language) == "JSONata"
        self.next = None if state.get("End") else state.get("Next")
        self.assigned = {}
        self.input = data if self.jsonata else self.at("InputPath", data)

    def at(self, field, data):
        """InputPath and OutputPath: null stands for an empty object."""
        path = self.state.get(field, "$")
        return {} if path is None else lookup(path, data, self.scope)

    def value(self, field, otherwise=None):
        """A field that has a path beside it in JSONPath, and may be an expression in JSONata."""
        if not self.jsonata and field + "Path" in self.state:
            return lookup(self.state[field + "Path"], self.input, self.scope)
        if not self.jsonata:
            return self.state.get(field, otherwise)
        return evaluated(self.state.get(field, otherwise), self.scope, input=self.raw)

    def assign(self, holder, data, **states):
        """Variables change together, after everything that the state computes."""
        template = holder.get("Assign")
        if not template:
            return
        values = evaluated(template, self.scope, input=self.raw, **states) if self.jsonata else payload(template, data, self.scope)
        self.scope.variables.update(values)
        self.assigned = {"assignedVariables": {name: json.dumps(value) for name, value in values.items()}}

    def finish(self, result, given=True):
        """The output of a state, whose result the service or the nested states have given."""
        if self.jsonata:
            known = {"result": result} if given else {}
            output = result
            if "Output" in self.state:
                output = evaluated(self.state["Output"], self.scope, input=self.raw, **known)
            self.assign(self.state, None, **known)
            return output, self.next
        selected = payload(self.state["ResultSelector"], result, self.scope) if "ResultSelector" in self.state else result
        output = self.at("OutputPath", placed(self.state.get("ResultPath", "$"), self.raw, selected))
        self.assign(self.state, result)
        return output, self.next

    def succeed(self):
        return self.wait_over()

    def wait_over(self):
        """The end of a state without a result."""
        if self.jsonata:
            return self.finish(self.raw, given=False)
        self.assign(self.state, self.input)
        return self.at("OutputPath", self.input), self.next

    def fail(self):
        raise Failure(self.value("Error", "") or "", self.value("Cause", "") or "")

    def wait(self):
        seconds = self.value("Seconds")
        if seconds is None:
            moment = stepfunctions._parse_ts(self.value("Timestamp"))
            if moment is None:
                raise Failure("States.Runtime", "A Wait needs seconds or a timestamp")
            seconds = (moment - datetime.now(timezone.utc)).total_seconds()
        self.branch.rest(seconds)
        return self.wait_over()

    def choice(self):
        for rule in self.state["Choices"]:
            if self.jsonata:
                chosen = evaluated(rule["Condition"], self.scope, input=self.raw) is True
            else:
                chosen = holds(rule, self.input, self.scope)
            if chosen:
                return self.choose(rule, rule["Next"])
        if "Default" not in self.state:
            raise Failure("States.NoChoiceMatched", "No rule holds and there is no Default")
        return self.choose(self.state, self.state["Default"])

    def choose(self, holder, following):
        output = self.raw
        if not self.jsonata:
            output = self.at("OutputPath", self.input)
        elif "Output" in holder:
            output = evaluated(holder["Output"], self.scope, input=self.raw)
        self.assign(holder, self.input)
        return output, following

    # "pass" is a word of Python.
    def _pass(self):
        if self.jsonata:
            return self.finish(self.raw, given=False)
        result = self.state["Result"] if "Result" in self.state else self.parameters()
        return self.finish(result)

    def parameters(self):
        if self.jsonata:
            return evaluated(self.state["Arguments"], self.scope, input=self.raw) if "Arguments" in self.state else self.raw
        return payload(self.state["Parameters"], self.input, self.scope) if "Parameters" in self.state else self.input

    def task(self):
        resource = self.state["Resource"]
        return self.retried(lambda: self.call(resource))

    def call(self, resource):
        waits = ".waitForTaskToken" in resource
        if waits:
            self.scope.context["Task"] = {"Token": str(uuid.uuid4())}
        argument = self.parameters()
        record = self.function_event if resource.split(":")[2:3] == ["lambda"] else self.task_event
        record("Scheduled", argument)
        if waits:
            token = self.scope.context["Task"]["Token"]
            work = functools.partial(stepfunctions._invoke_with_callback, resource, argument, token, self.state)
        else:
            work = functools.partial(stepfunctions._invoke_resource, resource, argument)
        try:
            result = self.branch.within(self.value("TimeoutSeconds"), work)
        except Failure as failure:
            record("Failed", error=failure.error, cause=failure.cause)
            raise
        record("Succeeded", output=json.dumps(result))
        return result

    def task_event(self, what, argument=None, **details):
        if what == "Scheduled":
            details = {"parameters": json.dumps(argument), "region": stepfunctions.get_region()}
        self.branch.record(
            f"Task{what}", f"task{what}EventDetails", resource=self.state["Resource"], resourceType="states", **details)

    def function_event(self, what, argument=None, **details):
        """What is told of a task that is a function's ARN."""
        if what == "Scheduled":
            details = {"resource": self.state["Resource"], "input": json.dumps(argument)}
        self.branch.record(f"LambdaFunction{what}", f"lambdaFunction{what}EventDetails", **details)

    def retried(self, work):
        """Try a state's work as its Retry says, and go where its Catch says when that does not help."""
        used = {}
        while True:
            try:
                return self.finish(work())
            except Failure as failure:
                index = matching(self.state.get("Retry", []), failure.error, used)
                if index is None:
                    return self.caught(failure)
                count = used[index] = used.get(index, 0) + 1
                self.branch.rest(pause(self.state["Retry"][index], count))
                self.scope.context["State"]["RetryCount"] += 1

    def caught(self, failure):
        index = matching(self.state.get("Catch", []), failure.error)
        if index is None:
            raise failure
        catcher = self.state["Catch"][index]
        error = {"Error": failure.error, "Cause": failure.cause}
        output = error
        if self.jsonata and "Output" in catcher:
            output = evaluated(catcher["Output"], self.scope, input=self.raw, errorOutput=error)
        elif not self.jsonata:
            output = placed(catcher.get("ResultPath", "$"), self.raw, error)
        self.assign(catcher, error, errorOutput=error)
        return output, catcher["Next"]

    def parallel(self):
        return self.retried(self.branches)

    def branches(self):
        argument = self.parameters()
        return self.side_by_side(
            [(b, argument, self.scope.nested()) for b in self.state["Branches"]], len(self.state["Branches"]))

    def map(self):
        return self.retried(self.items)

    def items(self):
        return run_items(self)

    def side_by_side(self, workflows, at_once, tolerated=0):
        """Run workflows in threads. Once more have failed than is tolerated, no further one starts."""
        results, failures = [None] * len(workflows), {}

        def run(index, workflow, data, scope):
            if len(failures) > tolerated:
                return
            try:
                results[index] = run_states(workflow, data, scope, self.branch.fork(), self.top)
            except Exception as error:
                failures[index] = error

        with ThreadPoolExecutor(max_workers=max(1, at_once)) as pool:
            for future in [
                pool.submit(contextvars.copy_context().run, run, i, *workflow) for i, workflow in enumerate(workflows)
            ]:
                future.result()
        if len(failures) > tolerated:
            raise failures[min(failures)]
        return [r for i, r in enumerate(results) if i not in failures]


setattr(Step, "pass", Step._pass)


def matching(handlers, error, used=None):
    """The first Retry or Catch for an error; of Retries the first one that is not used up, or none."""
    for index, handler in enumerate(handlers):
        names = handler["ErrorEquals"]
        if error in names or "States.ALL" in names or "States.TaskFailed" in names and error != "States.Timeout":
            if used is not None and used.get(index, 0) >= handler.get("MaxAttempts", 3):
                return None
            return index
    return None


def pause(retrier, count):
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** (count - 1)
    seconds = min(seconds, retrier.get("MaxDelaySeconds", 60), 60)
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds
