"""States, one after the other."""

import copy
from datetime import datetime, timezone

from ministack.services import stepfunctions

from asl import fields, maps, nested, tasks
from asl.choice import holds
from asl.expressions import evaluated, expected, is_expression
from asl.faults import Failure, Fault, matching, output_of, pause, runtime
from asl.limits import within_limit
from asl.paths import placed
from asl.query import lookup, payload
from asl.texts import text
from asl.timestamps import moment

_MOST_SECONDS = 99_999_999  # of a Wait
_MOST_SECONDS_AHEAD = 2_147_483_647  # of a timestamp that a Wait waits for
_NESTING = ("Parallel", "Map")
_RETRIED = ("Task", *_NESTING)


def run_states(workflow, data, scope, branch, language):
    """Run a workflow, or one within a state, from its first state to its end."""
    language = workflow.get("QueryLanguage", language)
    name, data, scope.variables = branch.progress.states.get(branch.path, (workflow["StartAt"], data, scope.variables))
    while name:
        branch.transit()
        branch.progress.entered(branch.path, name, data, scope.variables)
        state = workflow["States"][name]
        kind = state["Type"]
        known = {key: value for key, value in scope.context.items() if key != "Task"}
        scope.context = {**known, "State": {"Name": name, "EnteredTime": stepfunctions.now_iso()}}
        if kind in _RETRIED:
            scope.context["State"]["RetryCount"] = 0
        branch.record(f"{kind}StateEntered", "stateEnteredEventDetails", name=name, input=text(data))
        step = Step(name, state, data, scope, branch, language)
        try:
            data, following = step.run_state()
        except Failure as failure:
            raise step.located(failure)
        branch.record(
            f"{kind}StateExited", "stateExitedEventDetails", name=name, output=text(data), **step.assigned)
        if kind in _NESTING:
            branch.progress.left(branch.path, name)
        name = following
    return data


class Step:
    """One visit of a state."""

    def __init__(self, name, state, data, scope, branch, language):
        self.name, self.state, self.raw, self.scope, self.branch, self.top = name, state, data, scope, branch, language
        self.jsonata = state.get("QueryLanguage", language) == "JSONata"
        self.next = None if state.get("End") else state.get("Next")
        self.entered = branch.after
        self.input = None
        self.assigned = {}

    def run_state(self):
        self.input = self.raw if self.jsonata else self.at("InputPath", self.raw)
        return getattr(self, "_" + self.state["Type"].lower())()

    def run(self, workflow, data, scope, branch):
        """Run a workflow within this state: it is in the language of the whole, unless it says otherwise."""
        return run_states(workflow, data, scope, branch, self.top)

    def part(self, *names):
        """This step for the fields of an object within the state."""
        part = copy.copy(self)
        for name in names:
            part.state = part.state[name]
        return part

    def located(self, failure):
        """A failure that the interpreter reports, with the state where it happened in its cause."""
        if isinstance(failure, Fault) and not failure.located:
            failure.located = True
            failure.cause = f"An error occurred while executing the state '{self.name}' " \
                f"(entered at the event id #{self.entered}). {failure.cause}"
            if failure.field:
                self.branch.record("EvaluationFailed", "evaluationFailedEventDetails", error=failure.error,
                                   cause=failure.cause, location=failure.field, state=self.name)
        return failure

    def at(self, field, data):
        """InputPath and OutputPath: null stands for an empty object."""
        path = self.state.get(field, "$")
        return {} if path is None else lookup(path, data, self.scope)

    def assign(self, holder, data, **states):
        """Variables change together, after everything that the state computes."""
        template = holder.get("Assign")
        if not template:
            return
        values = evaluated(template, self.scope, "Assign", input=self.raw, **states) if self.jsonata \
            else payload(template, data, self.scope)
        within_limit(values, self.name)
        self.scope.variables.update(values)
        self.assigned = {"assignedVariables": {name: text(value) for name, value in values.items()}}

    def output(self, holder, otherwise, **states):
        if "Output" not in holder:
            return otherwise
        return evaluated(holder["Output"], self.scope, "Output", input=self.raw, **states)

    def finish(self, given, **states):
        """The output of a state, whose result is given."""
        if self.jsonata:
            output = self.output(self.state, given, **states)
        else:
            template = self.state.get("ResultSelector")
            selected = given if template is None else payload(template, given, self.scope)
            output = self.at("OutputPath", placed(self.state.get("ResultPath", "$"), self.raw, selected))
        within_limit(output, self.name)
        self.assign(self.state, given, **states)
        return output, self.next

    def over(self):
        """The end of a state without a result."""
        if self.jsonata:
            return self.finish(self.raw)
        self.assign(self.state, self.input)
        return self.at("OutputPath", self.input), self.next

    def _succeed(self):
        return self.over()

    def _fail(self):
        raise Failure(fields.text(self, "Error"), fields.text(self, "Cause"))

    def _wait(self):
        if "Timestamp" in self.state or "TimestampPath" in self.state:
            found = fields.value(self, "Timestamp")
            at = moment(found)
            seconds = None if at is None else (at - datetime.now(timezone.utc)).total_seconds()
            if seconds is None or seconds > _MOST_SECONDS_AHEAD:
                raise fields.wrong(self, "Timestamp", "timestamp", found,
                                   "does not reference a valid ISO-8601 extended offset date-time format string")
        else:
            seconds = fields.number(self, "Seconds", most=_MOST_SECONDS)
        if seconds is None:
            raise runtime("A Wait needs seconds or a timestamp")
        self.branch.rest(seconds)
        return self.over()

    def _choice(self):
        for index, rule in enumerate(self.state["Choices"]):
            if self.condition(rule["Condition"], f"Choices[{index}]/Condition") if self.jsonata \
                    else holds(rule, self.input, self.scope):
                return self.choose(rule, rule["Next"])
        if "Default" not in self.state:
            raise runtime("Failed to transition out of the state. The state does not point to a next state.")
        return self.choose(self.state, self.state["Default"])

    def condition(self, given, field):
        found = evaluated(given, self.scope, field, input=self.raw)
        if not isinstance(found, bool):
            raise expected("boolean", given[2:-2].strip() if is_expression(given) else given, field, found)
        return found

    def choose(self, holder, following):
        output = self.output(holder, self.raw) if self.jsonata else self.at("OutputPath", self.input)
        within_limit(output, self.name)
        self.assign(holder, self.input)
        return output, following

    def _pass(self):
        if self.jsonata:
            return self.over()
        return self.finish(self.state["Result"] if "Result" in self.state else self.parameters())

    def parameters(self):
        """What a state works with."""
        given = self.raw if self.jsonata else self.input
        if self.jsonata and "Arguments" in self.state:
            given = evaluated(self.state["Arguments"], self.scope, "Arguments", input=self.raw)
        elif not self.jsonata and "Parameters" in self.state:
            given = payload(self.state["Parameters"], self.input, self.scope)
        return within_limit(given, self.name)

    def _task(self):
        return self.retried(tasks.call)

    def _parallel(self):
        return self.retried(nested.parallel)

    def _map(self):
        return self.retried(maps.run_items)

    def retried(self, work):
        """Try a state's work as its Retry says, and go where its Catch says when that does not help."""
        used = {}
        while True:
            try:
                result = work(self)
                return self.finish(result, **({"result": result} if self.jsonata else {}))
            except Failure as failure:
                self.located(failure)
                index = matching(self.state.get("Retry", []), failure, used)
                if index is None:
                    return self.caught(failure)
                count = used[index] = used.get(index, 0) + 1
                if self.state["Type"] in _NESTING:
                    self.branch.progress.left(self.branch.path, self.name)
                self.branch.rest(pause(self.state["Retry"][index], count))
                self.branch.transit()
                self.scope.context["State"]["RetryCount"] += 1

    def caught(self, failure):
        index = matching(self.state.get("Catch", []), failure)
        if index is None:
            raise failure
        catcher = self.state["Catch"][index]
        error = output_of(failure)
        output = self.output(catcher, error, errorOutput=error) if self.jsonata \
            else placed(catcher.get("ResultPath", "$"), self.raw, error)
        within_limit(output, self.name)
        self.assign(catcher, error, **({"errorOutput": error} if self.jsonata else {}))
        return output, catcher["Next"]
