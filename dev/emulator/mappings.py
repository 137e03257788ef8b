"""Polls the queues of event source mappings side by side, as Lambda does.

MiniStack polls all of them in one thread: a function that waits, such as for the pace of a replay, holds up the others.
"""

import collections
import contextvars
import threading
import time

from ministack.services import lambda_svc

# Lambda begins with five batches at a time. It adds some while messages wait; here it does not.
_POLLERS = 5
_IDLE_SECONDS = 0.2
_ONLY = contextvars.ContextVar("only", default=None)  # the mapping that a thread polls


def install(replace):
    every = lambda_svc._iter_all_esms

    def mappings():
        return (found for found in every() if _ONLY.get() in (None, found[2]["UUID"]))

    def queues():
        return {esm["UUID"]: esm for _, _, esm in every() if ":sqs:" in esm.get("EventSourceArn", "")}

    def poll(mapping):
        _ONLY.set(mapping)
        while mapping in queues():
            try:
                processed = lambda_svc._poll_sqs()
            except Exception as error:
                lambda_svc.logger.error("Poller of mapping %s: %s", mapping, error)
                processed = False
            if not processed:
                time.sleep(_IDLE_SECONDS)

    def loop():
        pollers = collections.Counter()
        while True:
            for mapping, esm in queues().items():
                most = (esm.get("ScalingConfig") or {}).get("MaximumConcurrency", _POLLERS)
                while pollers[mapping] < min(most, _POLLERS):
                    pollers[mapping] += 1
                    threading.Thread(target=poll, args=(mapping,), daemon=True).start()
            for stream in (lambda_svc._poll_kinesis, lambda_svc._poll_dynamodb_streams):
                try:
                    stream()
                except Exception as error:
                    lambda_svc.logger.error("Poller of streams: %s", error)
            time.sleep(1)

    replace(lambda_svc, "_iter_all_esms", mappings)
    replace(lambda_svc, "_poll_loop", loop)
