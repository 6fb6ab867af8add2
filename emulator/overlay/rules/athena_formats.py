"""Files of another format than their table's, as Athena meets them.

Athena user guide: "Handle schema updates" (Parquet columns are found by name, those of text by position). Users' reports: a table of
Parquet over other files fails with "HIVE_BAD_DATA: Malformed Parquet file. Expected magic number: PAR1", if the query reads the
partition that has them. A table of text takes whatever lines there are.
"""

from ministack.services import athena

_MAGIC = b"PAR1"
_ERROR = "HIVE_BAD_DATA"


def relation(original, table: dict, sources: dict[str, str]) -> str:
    """A DuckDB relation over files: their paths here, and their places in S3. ``original`` makes one of files in the table's format."""
    data_format = athena._data_format(table)
    if data_format == "parquet":
        return _parquet(original, table, sources)
    if data_format == "csv":
        for path in sources:
            _make_text(path)
    return original(table, list(sources))


def reason(error: str) -> str | None:
    """Athena's words for a failure, if it is one of a file's format."""
    return error[error.index(_ERROR):].splitlines()[0] if _ERROR in error else None


def _parquet(original, table: dict, sources: dict[str, str]) -> str:
    endings = {path: _ending(path) for path in sources}
    good = [path for path, ending in endings.items() if ending == _MAGIC]
    broken = [_stand_in(path, ending, sources[path]) for path, ending in endings.items() if ending != _MAGIC]
    # First those of the table: a column that no file has is null.
    parts = [f"FROM {athena._empty_relation(table)}"]
    if good:
        parts.append(f"FROM {original(table, good)}")
    if broken:
        parts.append(f"({_failing(table, broken)})")
    return f"({' UNION ALL BY NAME '.join(parts)})"


def _ending(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()[-len(_MAGIC):]


def _stand_in(path: str, ending: bytes, location: str) -> str:
    """A file in the same partition whose only line is the error that the broken file gives when it is read."""
    target = f"{path}.error"
    error = f"{_ERROR}: Malformed Parquet file. Expected magic number: PAR1 got: {ending.decode('ascii', 'replace')} [{location}]"
    with open(target, "w", encoding="utf-8") as file:
        file.write(" ".join(error.split()) + "\n")
    return target


def _failing(table: dict, stand_ins: list[str]) -> str:
    """Fails as soon as one of them is read, so not if the query's partitions leave all of them out."""
    keys = athena._path_partition_keys(table, stand_ins)
    # A query fails whatever column it filters by, rather than finding no match.
    columns = [f'CAST(error(line) AS {athena._duckdb_type(column)}) AS "{column["Name"]}"' for column in
               table["StorageDescriptor"].get("Columns") or []]
    columns += [f'"{key["Name"]}"' for key in keys]
    reader = (f"read_csv({athena._sql_list(stand_ins)}, auto_detect = false, header = false, delim = '\x01', quote = '', "
              f"escape = '', columns = {{'line': 'VARCHAR'}}, {athena._hive_options(keys)})")
    return f"SELECT {', '.join(columns) or 'NULL'} FROM {reader} WHERE error(line) IS NULL"


def _make_text(path: str) -> None:
    """DuckDB refuses bytes that are not UTF-8; a SerDe for text reads on."""
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith(_MAGIC):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content.decode("utf-8", "replace").replace("\0", "\ufffd"))
