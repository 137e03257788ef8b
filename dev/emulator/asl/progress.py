"""How far an execution has come, from where RedriveExecution goes on."""

import threading

_LOCK = threading.Lock()


class Progress:
    """The state in which each line of states is, with its input and variables, and the results of the lines that ended.

    A line is known by its path: of each state around it the name, and which of its branches or items it is.
    """

    def __init__(self, definition):
        self.definition = definition  # a redriven execution keeps the one that it started with
        self.states, self.results = {}, {}

    def entered(self, path, name, data, variables):
        with _LOCK:
            self.states[path] = name, data, dict(variables)

    def ended(self, path, result):
        with _LOCK:
            self.results[path] = result

    def left(self, path, name):
        """Forget what is within a state, which is over, or will be tried again."""
        inside = (*path, name)
        with _LOCK:
            for known in (self.states, self.results):
                for other in [p for p in known if p[:len(inside)] == inside]:
                    del known[other]
