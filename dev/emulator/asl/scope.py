"""What a state can read besides its input."""


class Scope:
    """The context object and the variables, which nested states may read too.

    States of a Map or a Parallel assign variables of their own: they see those around them, and nobody outside sees
    theirs.
    """

    def __init__(self, context, variables=None):
        self.context = context
        self.variables = variables if variables is not None else {}

    def nested(self, **context):
        return Scope({**self.context, **context}, dict(self.variables))
