"""Records as a Parquet file with AWS's column names and types."""

import csv
import os
import tempfile

import duckdb

from overlay.rules import flow_log_fields
from overlay.traffic.records import Record


def encode(names: list[str], records: list[Record]) -> bytes:
    """A number that is absent is null; an absent text is ``-``, as in text files."""
    types = {name.replace("-", "_"): flow_log_fields.sql_type(name) for name in names}
    columns = ", ".join(f"'{column}': '{kind}'" for column, kind in types.items())
    numbers = {name for name in names if flow_log_fields.sql_type(name) != "VARCHAR"}
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "records.csv"), os.path.join(folder, "records.parquet")
        with open(source, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            for record in records:
                values = {name: record.of(name, names) for name in names}
                writer.writerow("" if name in numbers and value == "-" else value for name, value in values.items())
        with duckdb.connect() as database:
            database.execute("SET threads = 1")
            database.execute(
                f"COPY (SELECT * FROM read_csv('{source}', header = false, delim = ',', quote = '\"', nullstr = '', "
                f"allow_quoted_nulls = true, columns = {{{columns}}})) TO '{target}' (FORMAT parquet, COMPRESSION gzip)"
            )
        with open(target, "rb") as file:
            return file.read()
