"""Items of a Map, inline and distributed."""

import json
import math
import os
import uuid
from urllib.parse import quote
from urllib.request import urlopen

from asl.query import Failure, evaluated, lookup, payload

_MOST_AT_ONCE = 40  # items of an inline Map


def run_items(step):
    workflow = step.state.get("ItemProcessor") or step.state["Iterator"]
    distributed = workflow.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
    values = selected(step, read(step))
    tolerated = 0
    if distributed:
        values = batched(step, values)
        tolerated = max(step.value("ToleratedFailureCount", 0),
                        math.floor(len(values) * step.value("ToleratedFailurePercentage", 0) / 100))
    jobs = [(workflow, value, child(step, value) if distributed else inline(step, index, value))
            for index, value in enumerate(values)]
    at_once = step.value("MaxConcurrency", 0) or min(len(jobs), _MOST_AT_ONCE)
    return step.side_by_side(jobs, at_once, tolerated)


def read(step):
    """The items: from S3, or of the state's input."""
    if "ItemReader" in step.state:
        reader = step.state["ItemReader"]
        resource, argument = reader["Resource"], arguments(step, reader)
        if not resource.endswith(":s3:getObject") or reader.get("ReaderConfig", {}).get("InputType") != "JSON":
            raise Failure("States.Runtime", "The local runner reads items from JSON objects of S3 only")
        items = from_s3(argument["Bucket"], argument["Key"])
    elif step.jsonata:
        items = evaluated(step.state["Items"], step.scope, input=step.raw) if "Items" in step.state else step.raw
    else:
        items = lookup(step.state.get("ItemsPath", "$"), step.input, step.scope)
    if not isinstance(items, list):
        raise Failure("States.Runtime", "The items of a Map must be an array")
    return items


def from_s3(bucket, key):
    """MiniStack has no getObject among its SDK integrations: it is asked as anybody else asks."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/{quote(bucket)}/{quote(key)}"
    try:
        with urlopen(url, timeout=30) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise Failure("States.ItemReaderFailed", f"s3://{bucket}/{key}: {error}") from error


def arguments(step, holder):
    if step.jsonata:
        return evaluated(holder.get("Arguments", {}), step.scope, input=step.raw)
    return payload(holder.get("Parameters", {}), step.input, step.scope)


def selected(step, items):
    template = step.state.get("ItemSelector", step.state.get("Parameters"))
    if template is None:
        return items
    values = []
    for index, item in enumerate(items):
        scope = step.scope.nested(Map={"Item": {"Index": index, "Value": item}})
        values.append(evaluated(template, scope, input=step.raw) if step.jsonata else payload(template, step.input, scope))
    return values


def batched(step, values):
    batcher = step.state.get("ItemBatcher")
    if not batcher:
        return values
    size = batcher.get("MaxItemsPerBatch") or len(values)
    if isinstance(size, str):
        size = evaluated(size, step.scope, input=step.raw)
    elif "MaxItemsPerBatchPath" in batcher:
        size = lookup(batcher["MaxItemsPerBatchPath"], step.input, step.scope)
    batches = [{"Items": values[i:i + size]} for i in range(0, len(values), size)]
    if "BatchInput" in batcher:
        given = batcher["BatchInput"]
        given = evaluated(given, step.scope, input=step.raw) if step.jsonata else payload(given, step.input, step.scope)
        batches = [{"BatchInput": given, **batch} for batch in batches]
    return batches


def inline(step, index, value):
    return step.scope.nested(Map={"Item": {"Index": index, "Value": value}})


def child(step, value):
    """A Distributed Map's children are executions of their own: they see their own input, and no variables."""
    scope = step.scope.nested()
    scope.variables.clear()
    name = str(uuid.uuid4())
    execution = scope.context["Execution"]
    scope.context["Execution"] = {**execution, "Id": f"{execution['Id']}/{name}", "Name": name, "Input": value}
    return scope
