"""Athena workgroups and saved queries, Glue databases and tables, as their API references describe them."""

import gzip
import pathlib
import tempfile

import duckdb

from tests.emulator import AwsTestCase, wait_for


class Workgroups(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.athena = self.client("athena")
        self.configuration = {
            "ResultConfiguration": {"OutputLocation": "s3://results/w/",
                                    "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
                                    "ExpectedBucketOwner": self.account},
            "EnforceWorkGroupConfiguration": True, "PublishCloudWatchMetricsEnabled": True,
            "BytesScannedCutoffPerQuery": 10_000_000_000, "RequesterPaysEnabled": False,
            "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"}}
        self.arn = f"arn:aws:athena:us-east-1:{self.account}:workgroup/w"

    def create(self, name: str = "w", **parameters) -> None:
        self.athena.create_work_group(Name=name, **{"Configuration": self.configuration, **parameters})

    def found(self) -> dict:
        return self.athena.get_work_group(WorkGroup="w")["WorkGroup"]

    def test_all_of_a_workgroup(self):
        self.create(Description="d", Tags=[{"Key": "a", "Value": "1"}])
        found = self.found()
        self.assertEqual((found["State"], found["Description"]), ("ENABLED", "d"))
        expected = {**self.configuration, "EngineVersion": {
            "SelectedEngineVersion": "Athena engine version 3", "EffectiveEngineVersion": "Athena engine version 3"}}
        self.assertEqual({name: found["Configuration"].get(name) for name in expected}, expected)
        self.athena.tag_resource(ResourceARN=self.arn, Tags=[{"Key": "b", "Value": "2"}])
        self.athena.untag_resource(ResourceARN=self.arn, TagKeys=["a"])
        self.assertEqual(self.inventory()["workgroups"]["w"]["tags"], {"b": "2"})

    def test_updates_change_only_what_they_name(self):
        self.create()
        self.athena.update_work_group(WorkGroup="w", Description="new", ConfigurationUpdates={
            "BytesScannedCutoffPerQuery": 20_000_000,
            "ResultConfigurationUpdates": {"OutputLocation": "s3://results/x/", "RemoveExpectedBucketOwner": True}})
        found = self.found()
        self.assertEqual(found["Description"], "new")
        self.assertEqual(found["Configuration"]["BytesScannedCutoffPerQuery"], 20_000_000)
        self.assertEqual(found["Configuration"]["ResultConfiguration"], {
            "OutputLocation": "s3://results/x/", "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}})
        self.assertTrue(found["Configuration"]["EnforceWorkGroupConfiguration"])
        self.athena.update_work_group(WorkGroup="w", State="DISABLED", ConfigurationUpdates={
            "RemoveBytesScannedCutoffPerQuery": True, "ResultConfigurationUpdates": {
                "RemoveEncryptionConfiguration": True}})
        found = self.found()
        self.assertEqual(found["State"], "DISABLED")
        self.assertNotIn("BytesScannedCutoffPerQuery", found["Configuration"])
        self.assertEqual(found["Configuration"]["ResultConfiguration"], {"OutputLocation": "s3://results/x/"})

    def test_refused(self):
        self.create()
        self.refused("InvalidRequestException", self.create)
        self.refused("InvalidRequestException", self.create, name="no spaces")
        unchecked = self.client("athena", validate=False)
        self.refused("InvalidRequestException", unchecked.create_work_group, Name="x",
                     Configuration={**self.configuration, "BytesScannedCutoffPerQuery": 9_999_999})
        self.refused("InvalidRequestException", unchecked.update_work_group, WorkGroup="w",
                     ConfigurationUpdates={"BytesScannedCutoffPerQuery": 1})
        self.refused("InvalidRequestException", self.athena.get_work_group, WorkGroup="none",
                     message="WorkGroup none is not found.")
        self.refused("InvalidRequestException", self.athena.delete_work_group, WorkGroup="primary")
        self.refused("InvalidRequestException", self.athena.delete_work_group, WorkGroup="none")
        self.refused("ResourceNotFoundException", self.athena.list_tags_for_resource, ResourceARN=self.arn + "x")

    def test_a_workgroup_with_queries_needs_the_recursive_option(self):
        self.create()
        self.athena.create_named_query(Name="q", Database="d", QueryString="SELECT 1", WorkGroup="w")
        self.refused("InvalidRequestException", self.athena.delete_work_group, WorkGroup="w",
                     message="WorkGroup w is not empty")
        self.athena.delete_work_group(WorkGroup="w", RecursiveDeleteOption=True)
        self.assertEqual(self.inventory()["workgroups"], {})
        self.create()
        self.assertEqual(self.inventory()["workgroups"]["w"]["namedQueries"], {})


class NamedQueries(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.athena = self.client("athena")
        self.athena.create_work_group(Name="w")

    def create(self, name: str, **parameters) -> str:
        return self.athena.create_named_query(
            Name=name, Database="d", QueryString="SELECT 1", WorkGroup="w", **parameters)["NamedQueryId"]

    def test_from_create_to_delete(self):
        query = self.create("q", Description="x", ClientRequestToken="t" * 32)
        self.assertEqual(self.create("q", Description="x", ClientRequestToken="t" * 32), query)
        self.assertEqual(self.athena.get_named_query(NamedQueryId=query)["NamedQuery"], {
            "Name": "q", "Description": "x", "Database": "d", "QueryString": "SELECT 1", "NamedQueryId": query,
            "WorkGroup": "w"})
        self.athena.update_named_query(NamedQueryId=query, Name="q2", QueryString="SELECT 2")
        self.assertEqual(self.inventory()["workgroups"]["w"]["namedQueries"]["q2"]["query"], "SELECT 2")
        answer = self.athena.batch_get_named_query(NamedQueryIds=[query, "00000000-0000-0000-0000-000000000000"])
        self.assertEqual((len(answer["NamedQueries"]), len(answer["UnprocessedNamedQueryIds"])), (1, 1))
        self.athena.delete_named_query(NamedQueryId=query)
        self.refused("InvalidRequestException", self.athena.get_named_query, NamedQueryId=query)
        self.refused("InvalidRequestException", self.athena.create_named_query, Name="x", Database="d",
                     QueryString="SELECT 1", WorkGroup="none")

    def test_pages_and_workgroups(self):
        ids = {self.create(f"q{number}") for number in range(3)}
        self.athena.create_named_query(Name="elsewhere", Database="d", QueryString="SELECT 1")
        page = self.athena.list_named_queries(WorkGroup="w", MaxResults=2)
        self.assertEqual(len(page["NamedQueryIds"]), 2)
        rest = self.athena.list_named_queries(WorkGroup="w", MaxResults=2, NextToken=page["NextToken"])
        self.assertEqual({*page["NamedQueryIds"], *rest["NamedQueryIds"]}, ids)
        self.assertNotIn("NextToken", rest)


class DeliveredRecords(AwsTestCase):
    def test_a_projected_table_over_aws_own_key_layout(self):
        """A query finds the files of flow logs (Parquet, hive-compatible, hourly) without loading partitions."""
        s3, glue, athena = self.client("s3"), self.client("glue"), self.client("athena")
        bucket = f"query-{self.account}"
        s3.create_bucket(Bucket=bucket)
        layout = (f"p/AWSLogs/aws-account-id={self.account}/aws-service=vpcflowlogs/aws-region=us-east-1/"
                  "year={year}/month={month}/day={day}/hour={hour}/")
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "log.parquet")
            duckdb.sql("SELECT 'ACCEPT' AS action, 10::BIGINT AS bytes UNION ALL SELECT 'REJECT', 32").write_parquet(
                str(file))
            key = layout.format(year="2026", month="01", day="02", hour="03") + "x.log.parquet"
            s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
        template = layout.format(year="${year}", month="${month}", day="${day}", hour="${hour}")
        ranges = {"year": "2020,2030", "month": "1,12", "day": "1,31", "hour": "0,23"}
        projection = {"projection.enabled": "true", "storage.location.template": f"s3://{bucket}/{template}"}
        for name, values in ranges.items():
            projection |= {f"projection.{name}.type": "integer", f"projection.{name}.range": values}
            if name != "year":
                projection[f"projection.{name}.digits"] = "2"
        glue.create_database(DatabaseInput={"Name": "d"})
        glue.create_table(DatabaseName="d", TableInput={
            "Name": "t", "TableType": "EXTERNAL_TABLE", "Parameters": projection,
            "PartitionKeys": [{"Name": name, "Type": "string"} for name in ranges],
            "StorageDescriptor": {
                "Columns": [{"Name": "action", "Type": "string"}, {"Name": "bytes", "Type": "bigint"}],
                "Location": f"s3://{bucket}/p/AWSLogs/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}})
        athena.create_work_group(Name="w", Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"}})
        query = athena.start_query_execution(
            WorkGroup="w", QueryExecutionContext={"Database": "d"},
            QueryString="SELECT action, sum(bytes) AS total FROM t WHERE year = '2026' GROUP BY action ORDER BY action",
        )["QueryExecutionId"]

        def ended():
            state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            return state if state["State"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None
        state = wait_for(ended, "the query ends")
        self.assertEqual(state["State"], "SUCCEEDED", state)
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        self.assertEqual([[cell.get("VarCharValue") for cell in row["Data"]] for row in rows],
                         [["action", "total"], ["ACCEPT", "10"], ["REJECT", "32"]])


class Glue(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.glue = self.client("glue")
        self.table = {
            "Name": "t", "TableType": "EXTERNAL_TABLE", "Description": "x",
            "Parameters": {"projection.enabled": "true", "EXTERNAL": "TRUE"},
            "PartitionKeys": [{"Name": "year", "Type": "int"}],
            "StorageDescriptor": {"Columns": [{"Name": "start", "Type": "bigint", "Comment": "c"}],
                                  "Location": "s3://b/p/", "InputFormat": "i", "OutputFormat": "o",
                                  "SerdeInfo": {"SerializationLibrary": "s"}}}

    def database(self, **parameters) -> None:
        self.glue.create_database(DatabaseInput={"Name": "d", "Description": "x", "Parameters": {"a": "b"}},
                                  **parameters)

    def test_database(self):
        self.database(Tags={"k": "v"})
        self.refused("AlreadyExistsException", self.database)
        arn = f"arn:aws:glue:us-east-1:{self.account}:database/d"
        self.glue.tag_resource(ResourceArn=arn, TagsToAdd={"l": "w"})
        self.glue.untag_resource(ResourceArn=arn, TagsToRemove=["k"])
        found = self.inventory()["databases"]["d"]
        self.assertEqual((found["description"], found["parameters"], found["tags"]), ("x", {"a": "b"}, {"l": "w"}))
        self.glue.update_database(Name="d", DatabaseInput={"Name": "d"})
        found = self.glue.get_database(Name="d")["Database"]
        self.assertNotIn("Description", found)
        self.glue.delete_database(Name="d")
        self.refused("EntityNotFoundException", self.glue.get_database, Name="d")
        self.refused("EntityNotFoundException", self.glue.get_tags, ResourceArn=arn)
        self.refused("EntityNotFoundException", self.glue.delete_database, Name="d")
        self.refused("EntityNotFoundException", self.glue.update_database, Name="d", DatabaseInput={"Name": "d"})

    def test_table(self):
        self.refused("EntityNotFoundException", self.glue.create_table, DatabaseName="d", TableInput=self.table)
        self.database()
        self.glue.create_table(DatabaseName="d", TableInput=self.table)
        self.refused("AlreadyExistsException", self.glue.create_table, DatabaseName="d", TableInput=self.table)
        found = self.glue.get_table(DatabaseName="d", Name="t")["Table"]
        storage = self.table["StorageDescriptor"]
        self.assertEqual({name: found["StorageDescriptor"].get(name) for name in storage}, storage)
        for name in ("Parameters", "PartitionKeys", "TableType", "Description"):
            self.assertEqual(found[name], self.table[name])
        changed = {**self.table, "Parameters": {"projection.enabled": "false"}}
        self.glue.update_table(DatabaseName="d", TableInput=changed)
        table = self.inventory()["databases"]["d"]["tables"]["t"]
        self.assertEqual(table["parameters"], {"projection.enabled": "false"})
        self.assertEqual(table["columns"], storage["Columns"])
        self.glue.delete_table(DatabaseName="d", Name="t")
        self.refused("EntityNotFoundException", self.glue.get_table, DatabaseName="d", Name="t")
        self.refused("EntityNotFoundException", self.glue.delete_table, DatabaseName="d", Name="t")

    def test_deleting_a_database_deletes_its_tables(self):
        self.database()
        self.glue.create_table(DatabaseName="d", TableInput=self.table)
        self.glue.delete_database(Name="d")
        self.database()
        self.assertEqual(self.glue.get_tables(DatabaseName="d")["TableList"], [])

    def test_names_are_lower_case(self):
        self.glue.create_database(DatabaseInput={"Name": "MixedCase"})
        self.assertIn("mixedcase", self.inventory()["databases"])


class LakeFormation(AwsTestCase):
    """Lake Formation refuses requests that IAM allows. The texts are those of users' reports: hashicorp/terraform-provider-aws#49953."""

    def test_it_refuses_databases_and_tables(self):
        glue = self.client("glue")
        glue.create_database(DatabaseInput={"Name": "d"})
        glue.create_table(DatabaseName="d", TableInput={"Name": "t"})
        self.modes(lakeFormation=True)
        database, table = {"Name": "d"}, {"DatabaseName": "d", "Name": "t"}
        for call, parameters, needed in (
                (glue.create_database, {"DatabaseInput": {"Name": "new"}}, "Create Database on Catalog"),
                (glue.get_database, database, "Describe on d"),
                (glue.update_database, {**database, "DatabaseInput": database}, "Alter on d"),
                (glue.create_table, {"DatabaseName": "d", "TableInput": {"Name": "new"}}, "Create Table on d"),
                (glue.get_table, table, "Describe on t"),
                (glue.update_table, {"DatabaseName": "d", "TableInput": {"Name": "t"}}, "Alter on t"),
                (glue.delete_table, table, "Drop on t"), (glue.delete_database, database, "Drop on d")):
            with self.subTest(call.__name__):
                error = self.refused("AccessDeniedException", call, **parameters)
                self.assertEqual(error.response["Error"]["Message"], f"Insufficient Lake Formation permission(s): Required {needed}")
                self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.refused("EntityNotFoundException", glue.get_database, Name="new")
        self.assertEqual(list(self.inventory()["databases"]["d"]["tables"]), ["t"])
        self.modes()
        glue.delete_database(Name="d")

    def test_iam_is_asked_first(self):
        self.modes(lakeFormation=True)
        for actions, words in (("athena:*", "identity-based policy"), ("glue:*", "Lake Formation")):
            answer = self.emulator.control("PUT", "permissions", {"account": self.account, "role": "operator", "policies": [
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}]})
            token = {name[0].upper() + name[1:]: value for name, value in answer.items()}
            self.refused("AccessDeniedException", self.client("glue", token=token).create_database, DatabaseInput={"Name": "d"},
                         message=words)


class QueriesTestCase(AwsTestCase):
    """A test with a bucket for records and results, and a database."""

    def setUp(self) -> None:
        super().setUp()
        self.athena, self.glue, self.s3 = self.client("athena"), self.client("glue"), self.client("s3")
        self.s3.create_bucket(Bucket=f"records-{self.account}")
        self.glue.create_database(DatabaseInput={"Name": "d"})

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=f"records-{self.account}", Key=key, Body=content)

    def status(self, query: str) -> tuple[str, dict]:
        """Runs a query. Returns its id, and its status at the end."""
        started = self.athena.start_query_execution(
            QueryString=query, QueryExecutionContext={"Database": "d"},
            ResultConfiguration={"OutputLocation": f"s3://records-{self.account}/out/"})["QueryExecutionId"]

        def ended():
            status = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
            return status if status["State"] in ("SUCCEEDED", "FAILED") else None

        return started, wait_for(ended, "the query ends")

    def rows(self, query: str) -> list[list[str]]:
        started, status = self.status(query)
        self.assertEqual(status["State"], "SUCCEEDED", status)
        found = self.athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
        return [[value.get("VarCharValue") for value in row["Data"]] for row in found[1:]]


class Queries(QueriesTestCase):
    """Partition projection and Trino's functions, over lines of text in folders that no catalogue lists."""

    def setUp(self) -> None:
        super().setUp()
        location = f"s3://records-{self.account}/r/"
        self.glue.create_table(DatabaseName="d", TableInput={
            "Name": "t", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "year", "Type": "string"},
                                                                          {"Name": "month", "Type": "string"}],
            "Parameters": {
                "projection.enabled": "true", "storage.location.template": location + "${year}/m-${month}/",
                "projection.year.type": "enum", "projection.year.values": "2025,2026",
                "projection.month.type": "integer", "projection.month.range": "1,12", "projection.month.digits": "2"},
            "StorageDescriptor": {
                "Columns": [{"Name": "n", "Type": "bigint"}], "Location": location,
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                              "Parameters": {"field.delim": " "}}}})

    def test_only_projected_folders_are_read(self):
        for key, number in (("2026/m-07", 1), ("2025/m-12", 2), ("2024/m-07", 3), ("2026/m-7", 4), ("2026/m-13", 5),
                            ("2026/07", 6), ("2026/m-07/deeper", 7)):
            self.put(f"r/{key}/file", f"{number}\n".encode())
        self.assertEqual(self.rows('SELECT n, year, month FROM "t" ORDER BY n'),
                         [["1", "2026", "07"], ["2", "2025", "12"], ["7", "2026", "07"]])
        self.assertEqual(self.rows("SELECT n FROM t WHERE year = '2025' AND month = '12'"), [["2"]])

    def test_nothing_projected_is_nothing_found(self):
        self.put("r/elsewhere/file", b"1\n")
        self.assertEqual(self.rows("SELECT n, year FROM t"), [])

    def test_functions_of_trino(self):
        query = ("SELECT date_format(from_unixtime(86400), '%Y%m%d'), bitwise_and(19, 18), regexp_like('10.0.0.1', '^10\\.'),"
                 " date_format(current_date - INTERVAL '1' DAY, '%Y%m%d') < date_format(current_date, '%Y%m%d')")
        self.assertEqual(self.rows(query), [["19700102", "18", "true", "true"]])

    def test_addresses_in_networks(self):
        held = [("10.0.0.0/8", "10.255.0.1", "true"), ("10.0.0.0/8", "11.0.0.1", "false"), ("10.0.0.0/8", "a::1", "false"),
                ("172.16.0.0/12", "172.31.255.255", "true"), ("172.16.0.0/12", "172.32.0.0", "false"),
                ("fc00::/7", "fd12:3456::1", "true"), ("fc00::/7", "fe00::", "false"),
                ("2001:db8::/32", "2001:db8:0:0:0:0:0:1", "true"), ("0.0.0.0/0", "1.2.3.4", "true"),
                ("203.0.113.9/32", "203.0.113.9", "true"), ("10.0.0.0/8", "-", None)]
        tests = ", ".join(f"contains('{network}', try_cast('{address}' AS ipaddress))" for network, address, _ in held)
        self.assertEqual(self.rows(f"SELECT {tests}"), [[result for *_, result in held]])


class MixedFormats(QueriesTestCase):
    """Athena user guide, "Handle schema updates": a table of Parquet finds columns by name, a table of text by position. Records of
    both formats under one location: well-architected-labs#481."""

    _TEXT = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {"field.delim": " "})
    _PARQUET = ("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {})

    def table(self, name: str, storage: tuple, *columns: tuple[str, str]) -> None:
        input_format, library, parameters = storage
        location = f"s3://records-{self.account}/m/"
        self.glue.create_table(DatabaseName="d", TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "day", "Type": "string"},
                                                                           {"Name": "hour", "Type": "string"}],
            "Parameters": {
                "projection.enabled": "true", "storage.location.template": location + "${day}/${hour}/", "skip.header.line.count": "1",
                **{f"projection.{key}.{setting}": value for key in ("day", "hour")
                   for setting, value in (("type", "integer"), ("range", "0,31"), ("digits", "2"))}},
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": kind} for column, kind in columns], "Location": location,
                "InputFormat": input_format, "OutputFormat": "o",
                "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}}})

    def setUp(self) -> None:
        super().setUp()
        columns = ("srcaddr", "string"), ("dstaddr", "string"), ("bytes", "bigint")
        self.table("parquet", self._PARQUET, *columns)
        self.table("text", self._TEXT, *columns)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "records.parquet")
            duckdb.sql("SELECT 7::BIGINT AS bytes, 'b' AS dstaddr, 'a' AS srcaddr").write_parquet(str(file))
            self.parquet = file.read_bytes()

    def put_both(self, *hours: str) -> None:
        """Parquet in every hour, and text in the first of them."""
        for hour in hours:
            self.put(f"m/01/{hour}/a.log.parquet", self.parquet)
        self.put(f"m/01/{hours[0]}/b.log.gz", gzip.compress(b"srcaddr dstaddr bytes\na b 5\n"))

    def test_parquet_fails_over_an_hour_that_has_text(self):
        self.put_both("01", "02")
        location = f"[s3://records-{self.account}/m/01/01/b.log.gz]"
        for query in ("SELECT srcaddr FROM parquet", "SELECT count(*) FROM parquet", "SELECT bytes FROM parquet WHERE hour = '01'",
                      "SELECT bytes FROM parquet WHERE day || hour <= '0101' AND bytes > 1"):
            with self.subTest(query):
                _, status = self.status(query)
                self.assertEqual(status["State"], "FAILED")
                reason = status["StateChangeReason"]
                self.assertTrue(reason.startswith("HIVE_BAD_DATA: Malformed Parquet file. Expected magic number: PAR1 got: "), reason)
                self.assertTrue(reason.endswith(location), reason)

    def test_the_other_hours_can_still_be_read(self):
        self.put_both("01", "02")
        self.assertEqual(self.rows("SELECT * FROM parquet WHERE hour = '02'"), [["a", "b", "7", "01", "02"]])
        self.assertEqual(self.rows("SELECT bytes FROM parquet WHERE day || hour >= '0102' AND bytes > 1"), [["7"]])
        self.assertEqual(self.rows("SELECT count(*) FROM parquet WHERE hour = '02'"), [["1"]])

    def test_a_column_that_no_file_has_is_null(self):
        self.table("newer", self._PARQUET, ("srcaddr", "string"), ("flow_direction", "string"))
        self.put_both("01", "02")
        self.assertEqual(self.rows("SELECT flow_direction, srcaddr FROM newer WHERE hour = '02'"), [[None, "a"]])

    def test_text_is_read_by_position(self):
        self.put("m/01/01/swapped.log.gz", gzip.compress(b"dstaddr srcaddr bytes\nb a 5\n"))
        self.assertEqual(self.rows("SELECT srcaddr, dstaddr, bytes FROM text"), [["b", "a", "5"]])

    def test_a_table_of_text_misreads_parquet_without_failing(self):
        self.put_both("01")
        rows = self.rows("SELECT srcaddr, bytes FROM text ORDER BY bytes NULLS LAST")
        self.assertEqual(rows[0], ["a", "5"])
        self.assertTrue(rows[1:])
        self.assertEqual({row[1] for row in rows[1:]}, {None})
