"""Workflows within a Parallel or a Map, which run side by side."""

import contextvars
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from asl.faults import Failure


def side_by_side(step, jobs, at_once, fails):
    """The results of workflows, each with its input and scope; of those that failed there is none.

    As soon as fails says so of the failures so far, the first of them is raised, and the other workflows are stopped.
    """
    end, failures, results = threading.Event(), {}, {}
    pool = ThreadPoolExecutor(max_workers=max(1, at_once))
    try:
        running = {
            pool.submit(contextvars.copy_context().run, step.run, *job, step.branch.fork(end)): index
            for index, job in enumerate(jobs)
        }
        while running:
            for future in sorted(wait(running, return_when=FIRST_COMPLETED).done, key=running.get):
                index = running.pop(future)
                try:
                    results[index] = future.result()
                except Failure as failure:
                    failures[index] = failure
                    if fails(failures):
                        raise next(iter(failures.values()))
    finally:
        step.branch.stop(end)
        pool.shutdown(wait=False, cancel_futures=True)  # a task that was called goes on without effect
    return [results[index] for index in sorted(results)]


def parallel(step):
    argument = step.parameters()
    branches = step.state["Branches"]
    return side_by_side(step, [(b, argument, step.scope.nested()) for b in branches], len(branches), bool)
