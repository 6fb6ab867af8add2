"""Saved queries of CloudWatch Logs Insights, as the API reference describes them."""

from tests.emulator import AwsTestCase


class QueryDefinitions(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.client("logs")

    def put(self, name: str = "folder/q", text: str = "fields @message", **parameters) -> str:
        return self.logs.put_query_definition(name=name, queryString=text, **parameters)["queryDefinitionId"]

    def found(self, **parameters) -> list[dict]:
        return self.logs.describe_query_definitions(**parameters)["queryDefinitions"]

    def test_an_update_replaces_all(self):
        query_id = self.put(logGroupNames=["/a"], parameters=[{"name": "port"}])
        [found] = self.found()
        self.assertEqual((found["queryLanguage"], found["logGroupNames"]), ("CWLI", ["/a"]))
        self.assertEqual(self.put("folder/r", "fields bytes", queryDefinitionId=query_id), query_id)
        [found] = self.found()
        self.assertEqual((found["name"], found["queryString"]), ("folder/r", "fields bytes"))
        self.assertFalse({"logGroupNames", "parameters"} & set(found))

    def test_tokens(self):
        token = "t" * 36
        first = self.put(clientToken=token)
        self.assertEqual(self.put(clientToken=token), first)
        self.refused("InvalidParameterException", self.put, "other", clientToken=token)

    def test_names_are_unique_in_an_account_and_region(self):
        """As users report; the code is not documented."""
        first = self.put(text="fields bytes")
        self.refused("InvalidParameterException", self.put, message="already exists")
        other = self.put("other")
        self.refused("InvalidParameterException", self.put, queryDefinitionId=other, message="already exists")
        self.put(queryDefinitionId=first)
        self.assertEqual(self.inventory()["queryDefinitions"]["folder/q"]["queryString"], "fields @message")
        west = self.client("logs", region="eu-west-1")
        west.put_query_definition(name="folder/q", queryString="fields @message")
        self.logs.delete_query_definition(queryDefinitionId=first)
        self.put()

    def test_pages_and_prefixes(self):
        for number in range(60):
            self.put(f"a/{number:02}")
        self.put("b/1")
        first = self.logs.describe_query_definitions(queryDefinitionNamePrefix="a/")
        rest = self.logs.describe_query_definitions(queryDefinitionNamePrefix="a/", nextToken=first["nextToken"])
        self.assertNotIn("nextToken", rest)
        names = [each["name"] for each in first["queryDefinitions"] + rest["queryDefinitions"]]
        self.assertEqual(names, [f"a/{number:02}" for number in range(60)])
        self.assertEqual(len(self.found(maxResults=1000)), 61)
        self.assertEqual(self.found(queryLanguage="SQL"), [])

    def test_at_most_1000(self):
        ids = [self.put(f"q{number}") for number in range(1000)]
        self.refused("LimitExceededException", self.put, "one more")
        self.put("changed", queryDefinitionId=ids[0])
        self.assertTrue(self.logs.delete_query_definition(queryDefinitionId=ids[1])["success"])
        self.put("one more")

    def test_refused(self):
        self.refused("InvalidParameterException", self.put, "x" * 256)
        self.refused("InvalidParameterException", self.put, "x", "y" * 10_001)
        self.refused("InvalidParameterException", self.put, "x", queryLanguage="ENGLISH")
        self.refused("InvalidParameterException", self.put, "x", logGroupNames=["a b"])
        self.refused("InvalidParameterException", self.found, maxResults=1001)
        self.refused("ResourceNotFoundException", self.put, queryDefinitionId="unknown")
        self.refused("ResourceNotFoundException", self.logs.delete_query_definition, queryDefinitionId="unknown")
