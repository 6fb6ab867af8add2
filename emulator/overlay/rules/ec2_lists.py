"""Filters and pages, the same for every list of EC2.

EC2 user guide, "List and filter using the command line": several values are joined with OR, several filters with AND; values are
case-sensitive; ``*`` is any text, and a backslash escapes wildcards; 50 filters, 200 values each, 255 characters. The page says of ``?``
both "zero or one character" and "exactly 1 character". Its examples (``database????`` is "up to four characters") show the former.

EC2 API reference, "Query requests for Amazon EC2", "Pagination": a page has 0 to MaxResults items, and a client continues until there is no
token. So a page is taken before the filters select from it: it may be short or empty although others follow. A list of ids and MaxResults
exclude each other.

The error codes of the reference have InvalidNextToken and InvalidPaginationToken without the operations that answer them. DescribeVpcs
answers InvalidParameterValue: boto/boto3#2673. Other texts: hashicorp/packer#6572 (escape), gjbae1212/gossm#47 (values),
ansible-collections/amazon.aws#2393 (length), mulgadc/spinifex TestNetworkDescribes_PagingErrors (MaxResults).
"""

import base64
import re
import secrets
from collections.abc import Callable, Iterable, Mapping

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import ec2
from overlay.rules.refused import Refused


# The values that a filter compares, by the name of the filter.
Readers = Mapping[str, Callable[[dict], Iterable[str]]]
# True if the filters select the resource of this id and record.
_Selects = Callable[[str, dict], bool]

_MAX_FILTERS, _MAX_VALUES, _MAX_CHARACTERS = 50, 200, 255
_FILTER = re.compile(r"Filter\.(\d+)\.")
_TOKEN_BYTES = 64
# The ids that follow a page, by operation and token. A token is valid in its own account and region only.
_following = AccountRegionScopedDict()


def page(params: dict, records: dict[str, dict], ids: str, sizes: range, readers: Readers) -> tuple[list[dict], str]:
    """The records of one page that the filters select, and the element with the token of the next page.

    ``records`` has those that the request may see, by id. ``ids`` is the name of the parameter that lists ids.
    """
    selects = _selector(params, readers)
    size = _size(params, ids, sizes)
    listed = _continued(params) if "NextToken" in params else list(records)
    present, later = (listed, []) if size is None else (listed[:size], listed[size:])
    selected = [records[each] for each in present if each in records and selects(each, records[each])]
    return selected, _continuation(params, later) if later else ""


def _size(params: dict, ids: str, sizes: range) -> int | None:
    if "MaxResults" not in params:
        return None
    text = ec2._p(params, "MaxResults")
    if not re.fullmatch(r"-?\d+", text):
        raise Refused("InvalidParameterValue", f"Invalid integer value {text}")
    size = int(text)
    if size not in sizes:
        bound = f"greater than or equal to {sizes[0]}" if size < sizes[0] else f"smaller than or equal to {sizes[-1]}"
        raise Refused("InvalidParameterValue",
                      f"Value ( {text} ) for parameter MaxResults is invalid. Expecting a value {bound}.")
    if f"{ids.removesuffix('s')}.1" in params:
        raise Refused("InvalidParameterCombination", f"The parameter {ids} cannot be used with the parameter MaxResults")
    return size


def _continued(params: dict) -> list[str]:
    token = ec2._p(params, "NextToken")
    listed = _following.get((ec2._p(params, "Action"), token))
    if listed is None:
        raise Refused("InvalidParameterValue", f"Value ( {token} ) for parameter NextToken is invalid. The token is invalid.")
    return listed


def _continuation(params: dict, later: list[str]) -> str:
    token = base64.b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode()
    _following[ec2._p(params, "Action"), token] = later
    return f"<nextToken>{token}</nextToken>"


def _selector(params: dict, readers: Readers) -> _Selects:
    numbers = sorted({int(match[1]) for name in params if (match := _FILTER.match(name))})
    if len(numbers) > _MAX_FILTERS:
        raise Refused("FilterLimitExceeded", f"The maximum number of filters specified on a single call is {_MAX_FILTERS}")
    filters = [(_values_of(ec2._p(params, f"Filter.{number}.Name", "null"), readers), _patterns(params, number))
               for number in numbers]
    return lambda resource, record: all(
        any(pattern.fullmatch(value) for value in values(resource, record) for pattern in patterns)
        for values, patterns in filters
    )


def _values_of(name: str, readers: Readers) -> Callable[[str, dict], Iterable[str]]:
    """The values of a resource that the filter of this name compares."""
    read = readers.get(name)
    if read is not None:
        return lambda _resource, record: read(record)
    if name == "tag-key":
        return lambda resource, _record: [tag["Key"] for tag in ec2._tags.get(resource, [])]
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda resource, _record: [tag["Value"] for tag in ec2._tags.get(resource, []) if tag["Key"] == key]
    raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")


def _patterns(params: dict, number: int) -> list[re.Pattern]:
    patterns: list[re.Pattern] = []
    while (name := f"Filter.{number}.Value.{len(patterns) + 1}") in params:
        patterns.append(_pattern(ec2._p(params, name)))
    if len(patterns) > _MAX_VALUES:
        raise Refused("FilterLimitExceeded",
                      f"The maximum number of filter values specified on a single call is {_MAX_VALUES}")
    return patterns


def _pattern(value: str) -> re.Pattern:
    if len(value) > _MAX_CHARACTERS:
        raise Refused("FilterLimitExceeded", f"The maximum length for a filter value is {_MAX_CHARACTERS} characters")
    return re.compile("".join(_expression(part) for part in re.findall(r"\\.?|.", value, re.DOTALL)), re.DOTALL)


def _expression(part: str) -> str:
    """The regular expression for a character of a filter value, or for a backslash and the character that it escapes."""
    if part in ("*", "?"):
        return f".{part}"
    if not part.startswith("\\"):
        return re.escape(part)
    if part not in ("\\*", "\\?", "\\\\"):
        raise Refused("InvalidParameterValue", f"Invalid filter value: The escape sequence '{part}' is invalid")
    return re.escape(part[1:])
