"""SNS as its API reference and developer guide describe it."""

import json

from tests.emulator import AwsTestCase, wait_for


class Topics(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sns = self.client("sns")

    def create(self, **parameters) -> str:
        return self.sns.create_topic(**{"Name": "t", **parameters})["TopicArn"]

    def test_creating_again(self):
        tags = [{"Key": "a", "Value": "1"}]
        arn = self.create(Tags=tags, Attributes={"DisplayName": "d"})
        self.assertEqual(self.create(Tags=tags), arn)
        self.assertEqual(self.create(), arn)
        self.refused("InvalidParameter", self.create, message="Topic already exists with different tags",
                     Tags=[{"Key": "a", "Value": "2"}])
        self.refused("InvalidParameter", self.create, message="Topic already exists with different attributes",
                     Attributes={"DisplayName": "other"})
        self.refused("InvalidParameter", self.create, Name="no spaces")

    def test_attributes_and_tags(self):
        arn = self.create()
        policy = {"Version": "2012-10-17", "Statement": [
            {"Sid": "alarms", "Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"},
             "Action": "sns:Publish", "Resource": arn}]}
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/mine")
        self.sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
        found = self.inventory()["topics"]["t"]
        self.assertEqual((found["attributes"]["Policy"], found["attributes"]["KmsMasterKeyId"], found["tags"]),
                         (policy, "alias/mine", {"b": "2"}))
        self.assertEqual(found["attributes"]["Owner"], self.account)
        self.assertNotIn("SubscriptionsPending", found["attributes"])
        self.sns.untag_resource(ResourceArn=arn, TagKeys=["b"])
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="")
        self.assertNotIn("KmsMasterKeyId", self.sns.get_topic_attributes(TopicArn=arn)["Attributes"])
        self.refused("InvalidParameter", self.sns.set_topic_attributes, TopicArn=arn, AttributeName="Policy",
                     AttributeValue="nonsense")
        self.sns.delete_topic(TopicArn=arn)
        self.sns.delete_topic(TopicArn=arn)
        self.refused("NotFound", self.sns.get_topic_attributes, TopicArn=arn)
        self.refused("ResourceNotFound", self.sns.list_tags_for_resource, ResourceArn=arn)

    def test_another_account_needs_the_policys_leave(self):
        arn, other = self.create(), self.client("sns", account="999999999999")
        self.refused("AuthorizationError", other.get_topic_attributes, TopicArn=arn)
        self.refused("AuthorizationError", other.publish, TopicArn=arn, Message="m")
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sns:Publish",
             "Resource": arn}]}
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
        other.publish(TopicArn=arn, Message="m")
        self.refused("AuthorizationError", other.get_topic_attributes, TopicArn=arn)
        self.refused("NotFound", other.get_topic_attributes, TopicArn=arn + "x")

    def test_a_new_topic_has_the_default_policy(self):
        arn = self.create()
        policy = json.loads(self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
        self.assertEqual(policy["Id"], "__default_policy_ID")
        self.assertEqual(policy["Statement"][0]["Condition"], {"StringEquals": {"AWS:SourceOwner": self.account}})


class Subscriptions(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sns = self.client("sns")
        self.topic = self.sns.create_topic(Name="t")["TopicArn"]

    def subscribe(self, protocol: str, endpoint: str, **parameters) -> str:
        return self.sns.subscribe(TopicArn=self.topic, Protocol=protocol, Endpoint=endpoint, **parameters)[
            "SubscriptionArn"]

    def listed(self) -> list[tuple]:
        found = self.sns.list_subscriptions_by_topic(TopicArn=self.topic)["Subscriptions"]
        return [(each["Protocol"], each["Endpoint"], each["SubscriptionArn"]) for each in found]

    def test_email_waits_for_confirmation(self):
        self.assertEqual(self.subscribe("email", "a@example.com"), "pending confirmation")
        self.assertEqual(self.subscribe("email", "a@example.com"), "pending confirmation")
        self.subscribe("email-json", "b@example.com")
        self.assertEqual(self.listed(), [("email", "a@example.com", "PendingConfirmation"),
                                         ("email-json", "b@example.com", "PendingConfirmation")])
        attributes = self.sns.get_topic_attributes(TopicArn=self.topic)["Attributes"]
        self.assertEqual((attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]), ("2", "0"))
        self.assertEqual(self.inventory()["topics"]["t"]["subscriptions"], [
            {"protocol": "email", "endpoint": "a@example.com", "pending": True},
            {"protocol": "email-json", "endpoint": "b@example.com", "pending": True}])
        real = self.subscribe("email", "a@example.com", ReturnSubscriptionArn=True)
        self.assertTrue(real.startswith(self.topic + ":"))
        self.refused("InvalidParameter", self.sns.unsubscribe, SubscriptionArn="PendingConfirmation")
        self.refused("InvalidParameter", self.sns.unsubscribe, SubscriptionArn="pending confirmation")
        self.assertEqual(len(self.listed()), 2)

    def test_a_password_is_never_shown(self):
        for endpoint in ("https://user:secret@127.0.0.1:1/a@b", "https://user@127.0.0.1:1/", "https://127.0.0.1:1/a:b@c"):
            self.subscribe("https", endpoint)
        self.subscribe("https", "https://user:secret@127.0.0.1:1/a@b")
        self.assertEqual([endpoint for _, endpoint, _ in self.listed()], [
            "https://user:****@127.0.0.1:1/a@b", "https://user@127.0.0.1:1/", "https://127.0.0.1:1/a:b@c"])
        arn = self.subscribe("https", "https://user:secret@127.0.0.1:1/a@b", ReturnSubscriptionArn=True)
        attributes = self.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        self.assertEqual(attributes["Endpoint"], "https://user:****@127.0.0.1:1/a@b")

    def test_wrong_endpoints(self):
        for protocol, endpoint in (("email", "nobody"), ("sqs", "nowhere"), ("lambda", "x"), ("https", "ftp://x"),
                                   ("pigeon", "x"), ("sms", "abc")):
            with self.subTest(protocol):
                self.refused("InvalidParameter", self.subscribe, protocol, endpoint)
        self.refused("NotFound", self.sns.subscribe, TopicArn=self.topic + "x", Protocol="email",
                     Endpoint="a@example.com")

    def test_a_queue_gets_what_is_published(self):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
             "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}}}]})})
        arn = self.subscribe("sqs", queue)
        self.assertEqual(self.subscribe("sqs", queue), arn)
        self.sns.publish(TopicArn=self.topic, Subject="s", Message="m")
        received = wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the message")
        body = json.loads(received[0]["Body"])
        self.assertEqual((body["Subject"], body["Message"], body["TopicArn"]), ("s", "m", self.topic))
        self.sns.unsubscribe(SubscriptionArn=arn)
        self.assertEqual(self.listed(), [])
        self.refused("NotFound", self.sns.publish, TopicArn=self.topic + "x", Message="m")
        self.refused("InvalidParameter", self.sns.publish, TopicArn=self.topic, Message="x" * 262145)

    def test_pages_of_a_hundred(self):
        for number in range(101):
            self.subscribe("email", f"{number}@example.com")
        first = self.sns.list_subscriptions_by_topic(TopicArn=self.topic)
        self.assertEqual(len(first["Subscriptions"]), 100)
        rest = self.sns.list_subscriptions_by_topic(TopicArn=self.topic, NextToken=first["NextToken"])
        self.assertEqual(len(rest["Subscriptions"]), 1)
