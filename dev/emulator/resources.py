"""Has CloudFormation create what MiniStack's cannot: users and groups of IAM, and a stand-in for every other type.

A stand-in has a physical id, and does nothing. The file of types says which ones are real, so that the local runner can
name the others before it deploys.
"""

import json

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import iam
from ministack.services.cloudformation import provisioners, stacks


def install(replace, types_file):
    handlers = provisioners._RESOURCE_HANDLERS
    for kind, handler in _HANDLERS.items():
        handlers.setdefault(kind, handler)
    with open(types_file, "w", encoding="utf-8") as file:
        json.dump(sorted(handlers), file)
    provision, alarm = provisioners._provision_resource, handlers["AWS::CloudWatch::Alarm"]["create"]

    def provision_resource(kind, logical_id, props, stack_name):
        if kind in handlers or kind.startswith(("Custom::", "AWS::CloudFormation::")):
            return provision(kind, logical_id, props, stack_name)
        return stand_in(kind, logical_id, stack_name)

    def create_alarm(logical_id, props, stack_name):
        if props.get("Metrics"):
            return stand_in("AWS::CloudWatch::Alarm", logical_id, stack_name)
        return alarm(logical_id, props, stack_name)

    handlers["AWS::CloudWatch::Alarm"]["create"] = create_alarm
    for module in (provisioners, stacks):  # the second imports it by name
        replace(module, "_provision_resource", provision_resource)


def stand_in(kind, logical_id, stack_name):
    name = provisioners._physical_name(stack_name, logical_id)
    service = kind.split("::")[1].lower()
    return name, {"Arn": f"arn:aws:{service}:{get_region()}:{get_account_id()}:{name}"}


def create_user(logical_id, props, stack_name):
    name = props.get("UserName") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    if name not in iam._users:
        iam._create_user({"UserName": name, "Path": props.get("Path", "/")})
    for group in props.get("Groups") or []:
        iam._add_user_to_group({"GroupName": group, "UserName": name})
    return name, {"Arn": iam._users[name]["Arn"]}


def create_group(logical_id, props, stack_name):
    name = props.get("GroupName") or provisioners._physical_name(stack_name, logical_id)
    if name not in iam._groups:
        iam._create_group({"GroupName": name, "Path": props.get("Path", "/")})
    return name, {"Arn": iam._groups[name]["Arn"]}


def add_users(logical_id, props, stack_name):
    for user in props.get("Users") or []:
        iam._add_user_to_group({"GroupName": props.get("GroupName"), "UserName": user})
    return provisioners._physical_name(stack_name, logical_id), {}


def create_access_key(logical_id, props, stack_name):
    key, secret = iam._gen_access_key_id(), new_uuid().replace("-", "")
    iam._access_keys[key] = {"UserName": props.get("UserName"), "AccessKeyId": key, "SecretAccessKey": secret,
                             "Status": props.get("Status", "Active"), "CreateDate": iam._now()}
    return key, {"SecretAccessKey": secret}


_HANDLERS = {
    "AWS::IAM::User": {"create": create_user, "delete": lambda name, props: iam._users.pop(name, None)},
    "AWS::IAM::Group": {"create": create_group, "delete": lambda name, props: iam._groups.pop(name, None)},
    "AWS::IAM::UserToGroupAddition": {"create": add_users},
    "AWS::IAM::AccessKey": {"create": create_access_key, "delete": lambda key, props: iam._access_keys.pop(key, None)},
}
