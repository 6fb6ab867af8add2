"""Filter patterns: the examples of CloudWatch Logs' user guide, "Filter pattern syntax", by TestMetricFilter."""

from tests.emulator import AwsTestCase

ERRORS = ["[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[ERROR 419] MISSING ARGUMENTS",
          "[ERROR 420] INVALID ARGUMENTS"]
REQUESTS = [
    '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534',
    '127.0.0.1 Prod frank [10/Oct/2000:13:35:22 -0700] "GET /about-us/index.html HTTP/1.0" 401 100',
    '127.0.0.1 Prod frank [10/Oct/2000:13:50:35 -0700] "GET /images/logo.png HTTP/1.0" 200 80',
]
TRAIL = """{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
 "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true,
 "httpVersion": 1.5, "user": {"id": 7}}"""


class FilterPatterns(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.client("logs")

    def matches(self, pattern: str, messages: list[str]) -> list[dict]:
        return self.logs.test_metric_filter(filterPattern=pattern, logEventMessages=messages)["matches"]

    def matching(self, pattern: str, messages: list[str]) -> list[int]:
        return [found["eventNumber"] for found in self.matches(pattern, messages)]

    def expect(self, messages: list[str], cases: dict[str, list[int]]) -> None:
        for pattern, numbers in cases.items():
            with self.subTest(pattern):
                self.assertEqual(self.matching(pattern, messages), numbers)

    def test_terms(self):
        self.expect(ERRORS, {
            "": [1, 2, 3, 4], "ERROR": [1, 2, 3, 4], "error": [], "ERROR ARGUMENTS": [3, 4], '"INVALID ARGUMENTS"': [4],
            "?MISSING ?BAD": [1, 3], "ERROR -ARGUMENTS": [1, 2], '-"BAD REQUEST"': [2, 3, 4],
            "%AUTHORIZED%": [2], "%40[01]%": [1, 2], "ERROR ?BAD": [1, 2, 3, 4], '"[ERROR 400]"': [1]})

    def test_fields_of_space_delimited_events(self):
        self.expect(REQUESTS, {
            "[ip, user, username, timestamp, request, status_code, bytes]": [1, 2, 3],
            "[ip, user, username, timestamp, request, status_code]": [],
            "[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes]": [1, 2],
            "[ip, user, username, timestamp, request =%.*[.]html%, status_code=%4[0-9]{2}%, bytes]": [1, 2],
            "[..., status_code = 4*, bytes]": [1, 2],
            "[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request, status_code, bytes]": [1, 2, 3],
            "[ip, user, username, timestamp, request, status_code = 404 || status_code = 200, bytes]": [1, 3],
            "[ip, ..., bytes > 80 && bytes <= 100]": [2],
            "[ip, ..., (bytes < 100 || bytes > 1000) && bytes != 80]": [1],
            "[ip != 127.0.0.1, ...]": [], '[ip = "127.0.0.1", user=Prod, ...]': [1, 2, 3],
            "[ip, ..., bytes >= 1.534e3]": [1], "[w1=%^[0-9.]+$%, w2!=Test, ...]": [1, 2, 3]})

    def test_words_of_unstructured_events(self):
        self.expect(["ERROR 1 INFO", "WARN 2 DEBUG", "INFO - x"], {
            "[w1=ERROR, w2, w3]": [1], "[w1!=ERROR && w1!=INFO, ...]": [2], "[w1=ERROR || w1=%^WARN$%, w2, w3]": [1, 2],
            "[w1=INFO, w2!=\"-\", w3]": [], "[w1, w2=-, w3]": [3], "[w1, w2>1, w3]": [2], "[w1, w2=1.0, w3]": [1],
            "[w1=%WARN|INFO%, w2, w3=*]": [2, 3], "[w1, w2, w3=x*]": [3], "[w1, w2, w3=*F*]": [1]})

    def test_what_is_taken_out(self):
        found = self.matches("[..., status_code = 404, bytes]", REQUESTS)[0]
        self.assertEqual((found["eventNumber"], found["extractedValues"]), (1, {"$status_code": "404", "$bytes": "1534"}))
        found = self.matches('{ $.user.id = 7 }', [TRAIL])[0]
        self.assertEqual(found["extractedValues"], {"$.user.id": "7"})

    def test_json_events(self):
        self.expect([TRAIL, "not json"], {
            '{ $.eventType = "UpdateTrail" }': [1], "{ $.eventType = UpdateTrail }": [1], '{ $.eventType = "*Trail" }': [1],
            "{ $.sourceIPAddress != 123.123.* }": [1], '{ $.arrayKey[0] = "value" }': [1], "{ $.objectList[1].id = 2 }": [1],
            "{ $.SomeObject IS NULL }": [1], "{ $.SomeOtherObject NOT EXISTS }": [1], "{ $.ThisFlag IS TRUE }": [1],
            "{ $.ThisFlag IS FALSE }": [], "{ $.httpVersion >= 1.5 }": [1], "{ $.httpVersion < 1.5 }": [],
            '{ ($.user.id = 1) || (($.user.id = 7) && ($.eventType = %^Upd%)) }': [1], "{ $.objectList[*].id = 2 }": [1]})

    def test_refused(self):
        self.logs.create_log_group(logGroupName="g")
        for pattern in ("[a, a]", "[..., a, ...]", "[a > x]", "[a=%(b)%]", "[a=%b!%]", "[a && ]", "[a = 1", "{ $.a = 1",
                        "[(a = 1]", "{ $.a }", "[a=%[%]", "[]"):
            with self.subTest(pattern):
                self.refused("InvalidParameterException", self.logs.test_metric_filter, filterPattern=pattern,
                             logEventMessages=["x"])
                self.refused("InvalidParameterException", self.logs.put_metric_filter, logGroupName="g", filterName="f",
                             filterPattern=pattern, metricTransformations=[
                                 {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}])

    def test_filter_log_events(self):
        self.logs.create_log_group(logGroupName="g")
        self.logs.create_log_stream(logGroupName="g", logStreamName="s")
        self.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[
            {"timestamp": 1_000_000 + number, "message": message} for number, message in enumerate(REQUESTS)])
        found = self.logs.filter_log_events(logGroupName="g", filterPattern="[..., status_code = 4*, bytes < 1000]")
        self.assertEqual([event["message"] for event in found["events"]], REQUESTS[1:2])
        self.refused("InvalidParameterException", self.logs.filter_log_events, logGroupName="g", filterPattern="[a")
