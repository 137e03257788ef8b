"""Gives errors of functions in Python and JavaScript the names that Lambda gives them.

MiniStack runs these functions by itself, and makes every error a Runtime.HandlerError, so no Catch, Retry or
classification by name would work.
"""

import threading

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

# What the workers report of an error, and what they report here: its name too. As in Lambda, the name in Python is that
# of the class; in JavaScript it is the error's property, or the type of what was thrown if that is not an error.
_PYTHON = ('"error": str(e), "trace"', '"error": str(e), "type": type(e).__name__, "trace"')
_JAVASCRIPT = [
    ("error: String(err.message || err), trace", "error: String(err.message || err), type: nameOf(err), trace"),
    ("error: e.message, trace", "error: String(e && e.message || e), type: nameOf(e), trace"),
    ("let handlerFn = null;", "const nameOf = (e) => e instanceof Error || e && e.name ? e.name : typeof e;\nlet handlerFn = null;"),
]

_thread = threading.local()


def install(replace):
    replace_text("_PYTHON_WORKER_SCRIPT", _PYTHON)
    for change in _JAVASCRIPT:
        replace_text("_NODEJS_WORKER_SCRIPT", change)
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def invoke_worker(worker, event, request_id):
        _thread.result = invoke(worker, event, request_id)
        return _thread.result

    def execute_function(func, event):
        _thread.result = None
        answer = execute(func, dict(event) if isinstance(event, dict) else event)  # it adds keys to the event
        result = _thread.result or {}
        if result.get("status") == "error":
            answer["body"] = error_object(result)
        return answer

    replace(lambda_runtime.Worker, "invoke", invoke_worker)
    replace(lambda_svc, "_execute_function_warm", execute_function)


def replace_text(name, change):
    script = getattr(lambda_runtime, name, "")
    if script.count(change[0]) != 1:
        raise SystemExit(f"MiniStack's {name} has no {change[0]!r} to replace: check dev/emulator/functionerrors.py")
    setattr(lambda_runtime, name, script.replace(*change))


def error_object(result):
    """What Lambda answers for a failed event."""
    message = result.get("error", "")
    if "type" in result:
        return {"errorType": result["type"], "errorMessage": message, "stackTrace": (result.get("trace") or "").splitlines()}
    if message.startswith("Task timed out after "):
        return {"errorType": "Sandbox.Timedout", "errorMessage": message}
    return {"errorType": "Runtime.ExitError", "errorMessage": message}  # the process ended
