"""Has schedules run every few seconds if they are asked to, which AWS does not offer: nobody waits minutes here."""

import re

from ministack.services import eventbridge


def install(replace):
    parse = eventbridge._parse_rate_seconds

    def parse_rate_seconds(expression):
        seconds = re.fullmatch(r"rate\((\d+) seconds\)", expression)
        return int(seconds.group(1)) if seconds else parse(expression)

    replace(eventbridge, "_parse_rate_seconds", parse_rate_seconds)
