"""Lake Formation in front of the Glue catalog: it refuses requests that IAM allows, in accounts whose mode says so.

Lake Formation developer guide: "Lake Formation permissions reference". The texts are those of users' reports:
hashicorp/terraform-provider-aws#49953, aws-samples/experimental-programmatic-access-ccft#5. Lists and tags are left alone: AWS omits
from a list the entries that the caller may not see.
"""

from ministack.core.responses import error_response_json
from ministack.services import glue

from overlay import modes
from overlay.rules.patch import replace


def apply() -> None:
    replace(glue, "_create_database")(_needs("Create Database", lambda _data: "Catalog"))
    replace(glue, "_create_table")(_needs("Create Table", _database))
    for name, permission in (("_get_database", "Describe"), ("_update_database", "Alter"), ("_delete_database", "Drop")):
        replace(glue, name)(_needs(permission, _database))
    for name, permission in (("_get_table", "Describe"), ("_update_table", "Alter"), ("_delete_table", "Drop")):
        replace(glue, name)(_needs(permission, _table))


def _database(data: dict) -> str | None:
    """The database that a request is about, if it exists."""
    name = (data.get("DatabaseName") or data.get("Name") or "").lower()
    return name if name in glue._databases else None


def _table(data: dict) -> str | None:
    name = (data.get("Name") or (data.get("TableInput") or {}).get("Name") or "").lower()
    return name if f"{(data.get('DatabaseName') or '').lower()}/{name}" in glue._tables else None


def _needs(permission: str, resource):
    """An action that needs a permission on a resource. A resource that does not exist is not found, as without Lake Formation."""
    def act(original, data):
        name = resource(data) if modes.current().lake_formation else None
        if name is None:
            return original(data)
        message = f"Insufficient Lake Formation permission(s): Required {permission} on {name}"
        return error_response_json("AccessDeniedException", message, 400, message_key="Message")
    return act
