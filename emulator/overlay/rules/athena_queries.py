"""Athena's queries: partition projection, and functions of its SQL that DuckDB calls otherwise.

Athena user guide: "Set up partition projection", "Supported types for partition projection", "Specify custom S3 storage locations".
Trino documentation: date_format, from_unixtime, regexp_like, bitwise_and, IP address functions.
"""

import os
import re
import shutil

import duckdb
from ministack.services import athena

from overlay.rules import athena_formats
from overlay.rules.patch import replace

_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
_WORKDIR = re.compile(r"^.*?/ministack-athena-[^/]+/")
# Addresses are text to DuckDB. Other text is null, as after Trino's TRY_CAST. A network contains an address if both, as bits, begin alike.
_FUNCTIONS = """
CREATE TEMP MACRO date_format(moment, format) AS strftime(moment, format);
CREATE TEMP MACRO from_unixtime(seconds) AS make_timestamp(CAST(seconds AS BIGINT) * 1000000);
CREATE TEMP MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern);
CREATE TEMP MACRO bitwise_and(a, b) AS a & b;
CREATE TEMP TYPE ipaddress AS VARCHAR;
CREATE TEMP MACRO _groups(text) AS CASE WHEN text = '' THEN [] ELSE string_split(text, ':') END;
CREATE TEMP MACRO _filled(head, tail) AS head || list_transform(range(8 - len(head) - len(tail)), lambda i: '0') || tail;
CREATE TEMP MACRO _ipv6(text) AS CASE WHEN strpos(text, '::') = 0 THEN _groups(text)
    ELSE _filled(_groups(split_part(text, '::', 1)), _groups(split_part(text, '::', 2))) END;
CREATE TEMP MACRO _bits(text) AS CASE
    WHEN regexp_full_match(text, '([0-9]+\\.){3}[0-9]+')
        THEN array_to_string(list_transform(string_split(text, '.'), lambda part: format('{:08b}', TRY_CAST(part AS INTEGER))), '')
    WHEN regexp_full_match(text, '[0-9a-f:]*:[0-9a-f:]*')
        THEN array_to_string(list_transform(_ipv6(text), lambda part: format('{:016b}', TRY_CAST('0x' || part AS INTEGER))), '') END;
CREATE TEMP MACRO _holds(network, bits, address) AS length(network) = length(address) AND network[:bits] = address[:bits];
CREATE TEMP MACRO contains(network, address) AS
    _holds(_bits(split_part(network, '/', 1)), CAST(split_part(network, '/', 2) AS INTEGER), _bits(CAST(address AS VARCHAR)));
"""


def apply() -> None:
    replace(athena, "_rewrite_data_paths")(_rewrite_data_paths)
    replace(athena, "_table_relation")(_table_relation)
    replace(athena, "_run_duckdb")(_run_duckdb)


async def _rewrite_data_paths(original, query, database, catalog=None):
    rewritten, *rest = await original(query, database, catalog)
    return _FUNCTIONS + rewritten, *rest


async def _run_duckdb(original, *args):
    try:
        return await original(*args)
    except duckdb.Error as error:
        reason = athena_formats.reason(str(error))
        if reason is None:
            raise
        raise ValueError(reason) from error


def _table_relation(original, table: dict, files: list[str]) -> str:
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    sources = {path: location + path.removeprefix(_WORKDIR.match(path).group()) for path in files}
    if (table.get("Parameters") or {}).get("projection.enabled", "").strip().lower() == "true":
        sources = _projected(table, location, sources)
    return athena_formats.relation(original, table, sources) if sources else athena._empty_relation(table)


def _projected(table: dict, location: str, sources: dict[str, str]) -> dict[str, str]:
    """Athena reads the folders it projects and no others; the catalogue's own partitions and layout play no part."""
    properties = table["Parameters"]
    names = [key["Name"] for key in table.get("PartitionKeys") or []]
    template = properties.get("storage.location.template") or location + "".join(f"{name}=${{{name}}}/" for name in names)
    folder = _pattern(template.rstrip("/") + "/", names)
    projected = {}
    for path, source in sources.items():
        match = folder.match(source)
        if match and all(_is_projected(properties, name, match[f"p{number}"]) for number, name in enumerate(names)):
            folders = [f"{name}={match[f'p{number}']}" for number, name in enumerate(names)]
            file = source.removeprefix(location).replace("/", "__")
            target = os.path.join(_WORKDIR.match(path).group(), "__projected", *folders, file)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)
            projected[target] = source
    return projected


def _pattern(template: str, names: list[str]) -> re.Pattern:
    """Matches the locations that a template spells; group ``p0`` is the value of the first of ``names``."""
    parts, end = [], 0
    for match in _PLACEHOLDER.finditer(template):
        parts += [re.escape(template[end:match.start()]), f"(?P<p{names.index(match[1])}>[^/]+)"]
        end = match.end()
    return re.compile("".join(parts) + re.escape(template[end:]))


def _is_projected(properties: dict, name: str, value: str) -> bool:
    kind = properties.get(f"projection.{name}.type", "").strip().lower()
    if kind == "enum":
        return value in properties[f"projection.{name}.values"].split(",")
    if kind == "integer":
        low, high = (int(bound) for bound in properties[f"projection.{name}.range"].split(","))
        digits = int(properties.get(f"projection.{name}.digits", 0))
        return value.isdigit() and low <= int(value) <= high and value == f"{int(value):0{digits}d}"
    raise ValueError(f"projection.{name}.type is `{kind}`: the emulator projects enum and integer only")
