"""Workflows within a Parallel or a Map, which run side by side."""

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from asl.faults import Failure


def side_by_side(step, jobs, at_once, fails):
    """The results of workflows, each with its input and scope; of those that failed there is none.

    As soon as fails says so of the failures so far, the first of them is raised, and the other workflows are stopped.
    """
    progress = step.branch.progress
    paths = [(*step.branch.path, step.name, index) for index in range(len(jobs))]
    end, failures, lock = threading.Event(), {}, threading.Lock()

    def run(index):
        try:
            progress.ended(paths[index], step.run(*jobs[index], step.branch.fork(end, paths[index])))
        except Failure as failure:
            with lock:
                failures[index] = failure
                if fails(failures):
                    step.branch.stop(end)  # here, so that this thread begins nothing else

    pool = ThreadPoolExecutor(max_workers=max(1, min(at_once, len(jobs))))
    try:
        # What ended before a redrive is not run again.
        todo = [index for index, path in enumerate(paths) if path not in progress.results]
        for future in as_completed([pool.submit(contextvars.copy_context().run, run, index) for index in todo]):
            if end.is_set():
                raise next(iter(failures.values()))
            future.result()
    finally:
        step.branch.stop(end)
        pool.shutdown(wait=False, cancel_futures=True)  # a task that was called goes on without effect
    return [progress.results[path] for path in paths if path in progress.results]


def parallel(step):
    argument = step.parameters()
    branches = step.state["Branches"]
    return side_by_side(step, [(b, argument, step.scope.nested()) for b in branches], len(branches), bool)
