"""A function of the workflow."""

SCORE = 1


def handler(event, context):
    print("scoring", event["order"]["id"])
    return {**event, "score": SCORE}
