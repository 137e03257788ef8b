"""Starts MiniStack with some of its functions replaced, for facts of AWS that it lacks at the pinned version.

Everything else is MiniStack as installed. If an upgrade renames what is replaced here, the start fails.
"""

import http.client
import json
import os
import re
import time
from urllib.parse import urlsplit

import callers
import contention
import executions
import functionerrors
import functionlogs
import indexes
import mappings
import quotas
import redrive
import resources
import schedules
from asl import interpreter
from hypercorn.config import Config as Server
from ministack.app import main
from ministack.services import eventbridge, lambda_svc, stepfunctions

# How long an event may wait for a free process of the Lambda host. The host itself ends an event at the function's
# timeout, so this ends only what the host has lost.
_MAX_WAIT_SECONDS = 900


def invoke_by_proxy(func, event, url, request_id):
    """Forward an event to the Lambda host, and report a function's error under its own name.

    MiniStack makes every error behind MINISTACK_LAMBDA_PROXY_URL a Runtime.HandlerError with the text cut at 512
    bytes, so no Catch, Retry or classification by error name would work. Lambda's Invoke API answers 200 with the
    header X-Amz-Function-Error and the error object as the body; so does the host.
    """
    config = func.get("config") or func
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-Lambda-Function-Name": config.get("FunctionName", ""),
        "X-Amzn-Lambda-Function-Arn": config.get("FunctionArn", ""),
        "X-Amzn-Lambda-Request-Id": request_id,
        "X-Amzn-Lambda-Deadline-Ms": str(int((time.time() + int(config.get("Timeout") or 3)) * 1000)),
    }
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=_MAX_WAIT_SECONDS)
    try:
        connection.request("POST", target.path, json.dumps(event, ensure_ascii=False).encode("utf-8"), headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return service_error(f"The Lambda host at {url} does not answer: {error}")
    finally:
        connection.close()
    if response.status == 429:
        return {"body": {"errorType": "Lambda.TooManyRequestsException", "errorMessage": text.strip()}, "error": True}
    if response.status != 200:
        return service_error(f"The Lambda host answered {response.status}: {text}")
    result = {"body": without_null_failures(parse(text))}
    if response.getheader("X-Amz-Function-Error"):
        result["error"] = True
    return result


def service_error(message):
    """A failure of Lambda rather than of the function."""
    return {"body": {"errorType": "Lambda.ServiceException", "errorMessage": message}, "error": True}


def without_null_failures(body):
    """Leave out a null list of failed messages, which is a success on AWS.

    MiniStack's poller of event source mappings fails on it with "'NoneType' object is not iterable", deletes nothing
    and skips the other mappings.
    """
    if isinstance(body, dict) and "batchItemFailures" in body and body["batchItemFailures"] is None:
        return {}
    return body


def parse(text):
    if not text:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def transform_input(transformer, rule, view):
    """Fill an input template as EventBridge does: a string in the place of a JSON value gets quotes.

    MiniStack pastes strings bare, so {"name":<name>} becomes {"name":abc}, which nobody can parse. Later versions
    mend it the same way (ministackorg/ministack pull request 1507). A variable without a value is an empty string.
    """
    values = {"aws.events.rule-name": rule.get("Name", ""), "aws.events.rule-arn": rule.get("Arn", "")} if rule else {}
    values["aws.events.event.json"] = view.event_with_detail()
    values["aws.events.event"] = view.envelope()
    values["aws.events.event.ingestion-time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        values[name] = lookup(view.event_with_detail(), path)
    template = transformer.get("InputTemplate", "")
    if '"' not in template:  # plain text, not JSON
        return _VARIABLE.sub(lambda m: inside_string(m, values), template)
    return _STRING_OR_VARIABLE.sub(lambda m: render(m, values), template)


_VARIABLE = re.compile(r"<([^<>]*)>")
_STRING_OR_VARIABLE = re.compile(r'"(?:\\.|[^"\\])*"|<[^<>]*>')


def render(match, values):
    token = match.group(0)
    if token.startswith('"'):
        return _VARIABLE.sub(lambda m: inside_string(m, values), token)
    return json.dumps(values.get(token[1:-1], ""), ensure_ascii=False)


def inside_string(match, values):
    value = values.get(match.group(1), "")
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def lookup(event, path):
    """The value at a path of dots and names, which is all that MiniStack and the rules here use."""
    for part in path.removeprefix("$").split("."):
        if not part:
            continue
        if not isinstance(event, dict) or part not in event:
            return ""
        event = event[part]
    return event


def replace(module, name, function):
    if not callable(getattr(module, name, None)):
        raise SystemExit(f"MiniStack has no {module.__name__}.{name} to replace: check dev/emulator/launch.py")
    setattr(module, name, function)


if __name__ == "__main__":
    Server.keep_alive_max_requests = 1_000_000_000  # it closes a connection after so many, at 1,000 within seconds here
    # Idle connections stay open until the client closes them: a request that meets the closing is handled, and its
    # answer is lost. MiniStack sets 75 seconds, and the SDK keeps connections for 90.
    Server.keep_alive_timeout = property(lambda self: None, lambda self, seconds: None)
    indexes.install(replace)
    mappings.install(replace)
    resources.install(replace, os.environ["EMULATOR_RESOURCE_TYPES"])
    callers.install(replace)
    functionerrors.install(replace)
    schedules.install(replace)
    functionlogs.install(replace, os.environ["EMULATOR_FUNCTION_LOGS"])
    replace(lambda_svc, "_execute_function_proxy", invoke_by_proxy)
    replace(eventbridge, "_apply_input_transformer", transform_input)
    executions.install(replace)
    replace(stepfunctions, "_run_execution", interpreter.run_execution)
    redrive.install(replace)
    if os.environ.get("EMULATOR_QUOTAS"):
        quotas.install(replace, os.environ["EMULATOR_QUOTAS"])
        contention.install(replace, float(os.environ.get("EMULATOR_TRANSACTION_SECONDS") or 0.01))
    main()
