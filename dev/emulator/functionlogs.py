"""Keeps what functions print that MiniStack runs by itself: it shows that in CloudWatch Logs only, which end with it."""

import os

from ministack.services import lambda_svc


def install(replace, directory):
    emit = lambda_svc._emit_lambda_logs

    def emit_lambda_logs(func, request_id, log_text, error, duration_ms):
        emit(func, request_id, log_text, error, duration_ms)
        if log_text:
            name = (func.get("config") or func).get("FunctionName", "unknown")
            with open(os.path.join(directory, f"{name}.log"), "a", encoding="utf-8") as log:
                log.write(log_text.rstrip("\n") + "\n")

    replace(lambda_svc, "_emit_lambda_logs", emit_lambda_logs)
