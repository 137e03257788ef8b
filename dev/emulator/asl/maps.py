"""Items of a Map, inline and distributed."""

import json
import os
import uuid
from urllib.parse import quote
from urllib.request import urlopen

from asl import fields
from asl.expressions import evaluated
from asl.faults import Failure, runtime
from asl.limits import size, within_limit
from asl.nested import side_by_side
from asl.query import lookup, payload

_MOST_AT_ONCE = 40  # items of an inline Map, and children of a distributed one that asks for no other number


def run_items(step):
    workflow = step.state.get("ItemProcessor") or step.state["Iterator"]
    distributed = workflow.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
    at_once = fields.number(step, "MaxConcurrency", 0)
    source, items = read(step, distributed)
    count = fields.number(step, "ToleratedFailureCount")
    percentage = fields.number(step, "ToleratedFailurePercentage", most=100, whole=False)
    contexts = [{"Item": {"Index": index, **item}, **source} for index, item in enumerate(items)]
    values = selected(step, contexts)
    at_once = at_once or _MOST_AT_ONCE
    if not distributed:
        jobs = [(workflow, value, step.scope.nested(Map=context)) for value, context in zip(values, contexts)]
        return side_by_side(step, jobs, min(at_once, _MOST_AT_ONCE), bool)
    batches = batched(step, values)
    jobs = [(workflow, batch, child(step, batch)) for batch, _ in batches]

    def fails(failures):
        failed = sum(batches[index][1] for index in failures)
        return count is None and percentage is None or count is not None and failed > count \
            or percentage is not None and failed * 100 / len(values) > percentage

    try:
        return side_by_side(step, jobs, at_once, fails)
    except Failure as failure:
        raise Failure("States.ExceedToleratedFailureThreshold",
                      "The specified tolerated failure threshold was exceeded") from failure


def read(step, distributed):
    """The items, each with what the context object has of it: from S3, or of the state's input."""
    source, most = {"Source": "STATE_DATA"} if distributed else {}, None
    if "ItemReader" in step.state:
        reader = step.state["ItemReader"]
        resource, argument = reader["Resource"], arguments(step, reader)
        if not resource.endswith(":s3:getObject") or reader.get("ReaderConfig", {}).get("InputType") != "JSON":
            raise runtime("The local runner reads items from JSON objects of S3 only")
        source, items = from_s3(argument["Bucket"], argument["Key"])
        most = fields.number(step.part("ItemReader", "ReaderConfig"), "MaxItems")
    elif step.jsonata:
        items = fields.value(step, "Items", step.raw) if "Items" in step.state else step.raw
    else:
        items = lookup(step.state.get("ItemsPath", "$"), step.input, step.scope)
    if isinstance(items, list):
        return source, [{"Value": value} for value in items[:most]]
    if distributed and isinstance(items, dict):
        return source, [{"Key": key, "Value": value} for key, value in items.items()][:most]
    raise fields.wrong(step, "Items", "array", items, "must be an array")


def from_s3(bucket, key):
    """MiniStack has no getObject among its SDK integrations: it is asked as anybody else asks."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/{quote(bucket)}/{quote(key)}"
    try:
        with urlopen(url, timeout=30) as answer:
            items = json.load(answer)
    except (OSError, ValueError) as error:
        raise Failure("States.ItemReaderFailed", f"s3://{bucket}/{key}: {error}") from error
    if not isinstance(items, (list, dict)):
        raise Failure("States.ItemReaderFailed", f"s3://{bucket}/{key} holds neither an array nor an object")
    return {"Source": f"s3://{bucket}/{key}"}, items


def arguments(step, holder):
    if step.jsonata:
        return evaluated(holder.get("Arguments", {}), step.scope, "ItemReader/Arguments", input=step.raw)
    return payload(holder.get("Parameters", {}), step.input, step.scope)


def selected(step, contexts):
    template = step.state.get("ItemSelector", step.state.get("Parameters"))
    if template is None:
        return [context["Item"]["Value"] for context in contexts]
    scopes = [step.scope.nested(Map=context) for context in contexts]
    values = [evaluated(template, scope, "ItemSelector", input=step.raw) for scope in scopes] if step.jsonata \
        else [payload(template, step.input, scope) for scope in scopes]
    return [within_limit(value, step.name) for value in values]


def batched(step, values):
    """The inputs of a Distributed Map's children, each with the number of its items."""
    batcher = step.state.get("ItemBatcher")
    if not batcher:
        return [(value, 1) for value in values]
    part = step.part("ItemBatcher")
    most = fields.number(part, "MaxItemsPerBatch", least=1)
    most_bytes = fields.number(part, "MaxInputBytesPerBatch", least=1)
    shared = {}
    if "BatchInput" in batcher:
        given = batcher["BatchInput"]
        shared["BatchInput"] = evaluated(given, step.scope, "ItemBatcher/BatchInput", input=step.raw) if step.jsonata \
            else payload(given, step.input, step.scope)
    batches = []
    for value in values:
        last = batches[-1] if batches else None
        if last and (most is None or len(last["Items"]) < most) \
                and (most_bytes is None or size(last) + len(",") + size(value) <= most_bytes):
            last["Items"].append(value)
        else:
            batches.append({**shared, "Items": [value]})
    return [(batch, len(batch["Items"])) for batch in batches]


def child(step, value):
    """A Distributed Map's children are executions of their own: they see their own input, and no variables."""
    scope = step.scope.nested()
    scope.variables.clear()
    name = str(uuid.uuid4())
    execution = scope.context["Execution"]
    scope.context["Execution"] = {**execution, "Id": f"{execution['Id']}/{name}", "Name": name, "Input": value}
    return scope
