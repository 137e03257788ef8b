"""Tells functions behind a REST API who signed the request, as API Gateway does for methods with IAM."""

import re

from ministack.core.responses import get_account_id
from ministack.services import apigateway_v1

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")


def install(replace):
    build = apigateway_v1._build_lambda_event_v1

    def build_event(*args, **options):
        event = build(*args, **options)
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        signed = _CREDENTIAL.match(headers.get("authorization") or "")
        if signed:
            event["requestContext"]["identity"]["userArn"] = f"arn:aws:iam::{get_account_id()}:user/{signed.group(1)}"
        return event

    replace(apigateway_v1, "_build_lambda_event_v1", build_event)
