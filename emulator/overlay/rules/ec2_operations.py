"""The frame of the EC2 operations of the overlay: dry runs, errors, and parameters that are present but empty.

EC2 API reference: "Common query parameters" (``DryRun``), "Error codes for the Amazon EC2 API".
"""

from xml.sax.saxutils import escape

from ministack.services import ec2

from overlay.rules.patch import replace, replace_action
from overlay.rules.refused import Refused


def operation(name: str):
    """Decorator: the function handles the operation. It takes the parameters of the request, and returns the answer."""

    def install(function):
        def run(_original, params: dict):
            try:
                if ec2._p(params, "DryRun") == "true":
                    raise Refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
                return function(params)
            except Refused as refused:
                return ec2._error(refused.code, escape(refused.message), refused.status)

        replace_action(ec2._ACTION_MAP, name)(run)
        return function

    return install


def apply() -> None:
    # ministack drops parameters without a value: the filter for an empty tag, and the tag to delete if it is empty.
    replace(ec2, "parse_qs")(lambda original, body: original(body, keep_blank_values=True))
