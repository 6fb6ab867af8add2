"""S3 as its API reference and user guide describe it."""

import json

from tests.emulator import AwsTestCase


class Buckets(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.s3 = self.client("s3")
        self.bucket = f"bucket-{self.account}"

    def create(self, **parameters) -> None:
        self.s3.create_bucket(Bucket=self.bucket, **parameters)

    def test_names_are_global(self):
        self.create()
        self.create()  # us-east-1 answers 200 to the owner
        other = "3" + self.account[1:]
        self.refused("BucketAlreadyExists", self.client("s3", account=other).create_bucket, Bucket=self.bucket)
        self.refused("AccessDenied", self.client("s3", account=other).get_bucket_versioning, Bucket=self.bucket)
        west = self.client("s3", region="eu-west-1")
        constraint = {"LocationConstraint": "eu-west-1"}
        name = self.bucket + "-west"
        west.create_bucket(Bucket=name, CreateBucketConfiguration=constraint)
        self.refused("BucketAlreadyOwnedByYou", west.create_bucket, Bucket=name, CreateBucketConfiguration=constraint)

    def test_a_bucket_has_the_owner_that_a_request_expects_or_the_request_is_refused(self):
        self.create()
        other = "3" + self.account[1:]
        self.s3.get_bucket_versioning(Bucket=self.bucket, ExpectedBucketOwner=self.account)
        self.refused("AccessDenied", self.s3.get_bucket_versioning, Bucket=self.bucket, ExpectedBucketOwner=other)
        self.refused("NoSuchBucket", self.s3.get_bucket_versioning, Bucket="none-" + self.account,
                     ExpectedBucketOwner=other)

        # Not even a policy that lets everybody in helps.
        self.s3.delete_public_access_block(Bucket=self.bucket)
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]}]}))
        stranger = self.client("s3", account=other)
        stranger.get_bucket_versioning(Bucket=self.bucket)
        self.refused("AccessDenied", stranger.get_bucket_versioning, Bucket=self.bucket, ExpectedBucketOwner=other)
        self.refused("AccessDenied", stranger.put_object, Bucket=self.bucket, Key="k", Body=b"",
                     ExpectedBucketOwner=other)

    def test_location_constraint(self):
        west = self.client("s3", region="eu-west-1")
        self.refused("IllegalLocationConstraintException", west.create_bucket, Bucket=self.bucket)
        self.refused("IllegalLocationConstraintException", west.create_bucket, Bucket=self.bucket,
                     CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.refused("InvalidLocationConstraint", self.s3.create_bucket, Bucket=self.bucket,
                     CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
        west.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.assertEqual(self.s3.get_bucket_location(Bucket=self.bucket)["LocationConstraint"], "eu-west-1")
        self.assertEqual(self.inventory()["buckets"][self.bucket]["region"], "eu-west-1")

    def test_names(self):
        import botocore.exceptions
        for name in ("Upper", "a", "a..b", "-a-b", "192.168.1.1", "x" * 64):
            with self.subTest(name), self.assertRaises((botocore.exceptions.ClientError,
                                                        botocore.exceptions.ParamValidationError)):
                self.s3.create_bucket(Bucket=name)

    def test_a_new_bucket_is_encrypted_private_and_owner_enforced(self):
        self.create()
        state = self.inventory()["buckets"][self.bucket]
        self.assertEqual(state["encryption"][0]["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
        self.assertEqual(state["publicAccessBlock"], {
            "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True})
        self.assertEqual(state["ownershipControls"], [{"ObjectOwnership": "BucketOwnerEnforced"}])
        self.assertEqual((state["versioning"], state["policy"], state["lifecycle"], state["tags"]),
                         (None, None, None, {}))

    def test_encryption_is_set_read_and_reset(self):
        self.create()
        rule = {"ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"arn:aws:kms:us-east-1:{self.account}:key/1"},
            "BucketKeyEnabled": True}
        self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        found = self.s3.get_bucket_encryption(Bucket=self.bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual({name: found[name] for name in rule}, rule)
        self.s3.delete_bucket_encryption(Bucket=self.bucket)
        found = self.s3.get_bucket_encryption(Bucket=self.bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual(found["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})

    def test_absent_configurations_have_their_codes(self):
        self.create()
        self.refused("NoSuchBucketPolicy", self.s3.get_bucket_policy, Bucket=self.bucket)
        self.refused("NoSuchTagSet", self.s3.get_bucket_tagging, Bucket=self.bucket)
        self.refused("NoSuchLifecycleConfiguration", self.s3.get_bucket_lifecycle_configuration, Bucket=self.bucket)
        self.s3.delete_public_access_block(Bucket=self.bucket)
        self.refused("NoSuchPublicAccessBlockConfiguration", self.s3.get_public_access_block, Bucket=self.bucket)
        self.s3.delete_bucket_ownership_controls(Bucket=self.bucket)
        self.refused("OwnershipControlsNotFoundError", self.s3.get_bucket_ownership_controls, Bucket=self.bucket)
        self.refused("NoSuchBucket", self.s3.get_bucket_policy, Bucket=self.bucket + "x")
        self.refused("404", self.s3.head_bucket, Bucket=self.bucket + "x")

    def test_versions_and_markers_hold_a_bucket(self):
        self.create()
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        for number in range(1, 4):
            self.s3.put_object(Bucket=self.bucket, Key="k", Body=str(number).encode())
        self.s3.delete_object(Bucket=self.bucket, Key="k")
        self.refused("BucketNotEmpty", self.s3.delete_bucket, Bucket=self.bucket)
        found, position = [], {}
        while True:
            page = self.s3.list_object_versions(Bucket=self.bucket, MaxKeys=2, **position)
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            self.assertLessEqual(len(entries), 2)
            found += entries
            if not page["IsTruncated"]:
                break
            position = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        self.assertEqual(len({entry["VersionId"] for entry in found}), 4)
        state = self.inventory()["buckets"][self.bucket]
        self.assertEqual((state["objectVersions"], state["deleteMarkers"]), (3, 1))
        ids = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": ids[:3], "Quiet": True})
        self.assertNotIn("Errors", answer)
        self.refused("BucketNotEmpty", self.s3.delete_bucket, Bucket=self.bucket)
        self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": ids[3:]})
        self.s3.delete_bucket(Bucket=self.bucket)
        self.refused("NoSuchBucket", self.s3.delete_bucket, Bucket=self.bucket)

    def test_a_batch_of_deletes_has_a_thousand_keys(self):
        self.create()
        keys = [{"Key": f"k{number}"} for number in range(1001)]
        self.refused("MalformedXML", self.s3.delete_objects, Bucket=self.bucket, Delete={"Objects": keys})
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys[:1000]})
        self.assertEqual(len(answer["Deleted"]), 1000)


class Tags(AwsTestCase):
    """Tags of new buckets where the partition does not know them, and under attribute-based access control."""

    TAGS = [{"Key": "a", "Value": "1"}]

    def setUp(self) -> None:
        super().setUp()
        self.s3 = self.client("s3")
        self.bucket = f"tags-{self.account}"

    def create(self, tags: list[dict] | None = None) -> None:
        configuration = {"CreateBucketConfiguration": {"Tags": tags}} if tags else {}
        self.s3.create_bucket(Bucket=self.bucket, **configuration)

    def tags(self) -> dict:
        return self.inventory()["buckets"][self.bucket]["tags"]

    def test_accepted_at_creation(self):
        self.create(self.TAGS)
        self.assertEqual(self.tags(), {"a": "1"})

    def test_refused_at_creation(self):
        """hashicorp/terraform-provider-aws#45566 and #45684 quote the refusal."""
        self.modes(bucketTags="refused")
        error = self.refused("UnsupportedArgument", self.create, self.TAGS, message="The request contained an unsupported argument.")
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertEqual(self.inventory()["buckets"], {})
        self.create()
        self.s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": self.TAGS})
        self.assertEqual(self.tags(), {"a": "1"})

    def test_ignored_at_creation(self):
        self.modes(bucketTags="ignored")
        self.create(self.TAGS)
        self.refused("NoSuchTagSet", self.s3.get_bucket_tagging, Bucket=self.bucket)
        self.s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": self.TAGS})
        # Creating it again, which us-east-1 answers with 200, does not take them away.
        self.create(self.TAGS)
        self.assertEqual(self.tags(), {"a": "1"})

    def test_of_a_bucket_with_attribute_based_access_control(self):
        """API, PutBucketTagging: "you can no longer use this operation for that bucket"."""
        self.create(self.TAGS)
        self.assertEqual(self.s3.get_bucket_abac(Bucket=self.bucket)["AbacStatus"], {"Status": "Disabled"})
        self.s3.put_bucket_abac(Bucket=self.bucket, AbacStatus={"Status": "Enabled"})
        self.assertEqual(self.s3.get_bucket_abac(Bucket=self.bucket)["AbacStatus"], {"Status": "Enabled"})
        self.refused("MethodNotAllowed", self.s3.put_bucket_tagging, Bucket=self.bucket, Tagging={"TagSet": []})
        self.refused("MethodNotAllowed", self.s3.delete_bucket_tagging, Bucket=self.bucket)
        self.assertEqual(self.tags(), {"a": "1"})
        self.s3.put_bucket_abac(Bucket=self.bucket, AbacStatus={"Status": "Disabled"})
        self.s3.delete_bucket_tagging(Bucket=self.bucket)
        self.assertEqual(self.tags(), {})
        self.refused("NoSuchBucket", self.s3.get_bucket_abac, Bucket=f"{self.bucket}-none")


class Policies(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.s3 = self.client("s3")
        self.bucket = f"policy-{self.account}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.arn = f"arn:aws:s3:::{self.bucket}"

    def put(self, **changes) -> None:
        statement = {"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"},
                     "Action": "s3:PutObject", "Resource": f"{self.arn}/*", **changes}
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": [{k: v for k, v in statement.items() if v is not None}]}))

    def test_malformed(self):
        for text in ("", "not json", "[]", '{"Version": "2012-10-17"}'):
            with self.subTest(text):
                self.refused("MalformedPolicy", self.s3.put_bucket_policy, Bucket=self.bucket, Policy=text)
        cases = {
            "no principal": {"Principal": None}, "no action": {"Action": None}, "effect": {"Effect": "Maybe"},
            "no resource": {"Resource": None}, "another bucket": {"Resource": "arn:aws:s3:::other/*"},
            "an action of another service": {"Action": "ec2:Describe*"},
            "a principal that is not there": {"Principal": {"AWS": f"arn:aws:iam::{self.account}:role/none"}},
        }
        for name, changes in cases.items():
            with self.subTest(name):
                self.refused("MalformedPolicy", self.put, **changes)
        self.put()

    def test_a_public_policy_is_blocked(self):
        self.refused("AccessDenied", self.put, Principal="*")
        self.put(Principal="*", Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
        self.s3.delete_public_access_block(Bucket=self.bucket)
        self.put(Principal="*")


class Lifecycle(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.s3 = self.client("s3")
        self.bucket = f"lifecycle-{self.account}"
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, *rules: dict) -> None:
        whole = [{"ID": f"r{number}", "Status": "Enabled", "Filter": {"Prefix": ""}, **rule}
                 for number, rule in enumerate(rules)]
        self.s3.put_bucket_lifecycle_configuration(Bucket=self.bucket, LifecycleConfiguration={"Rules": whole})

    @staticmethod
    def to(*steps: tuple[int, str]) -> dict:
        return {"Transitions": [{"Days": days, "StorageClass": name} for days, name in steps]}

    def test_what_is_valid_reads_back(self):
        rule = {**self.to((30, "STANDARD_IA"), (90, "GLACIER"), (365, "DEEP_ARCHIVE")), "Expiration": {"Days": 400},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
        self.put(rule, {"Filter": {"Prefix": "results/"}, "Expiration": {"Days": 1}})
        found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        self.assertEqual(found[0], {"ID": "r0", "Status": "Enabled", "Filter": {"Prefix": ""}, **rule})
        self.assertEqual(found[1]["Filter"], {"Prefix": "results/"})
        self.put({"Expiration": {"ExpiredObjectDeleteMarker": True}})
        self.put(self.to((60, "GLACIER"), (150, "DEEP_ARCHIVE")))
        self.put(self.to((0, "GLACIER_IR"), (90, "DEEP_ARCHIVE")))
        self.put(self.to((0, "INTELLIGENT_TIERING")))
        self.put(self.to((0, "GLACIER")))

    def test_the_days_between_classes(self):
        """User guide, "Transitioning objects using Amazon S3 Lifecycle": minimum storage durations. The text is AWS's, as users report it."""
        for days, storage_class, later_days, later_class, least in (
                (30, "STANDARD_IA", 59, "GLACIER", 30), (30, "STANDARD_IA", 59, "GLACIER_IR", 30),
                (90, "GLACIER", 179, "DEEP_ARCHIVE", 90), (90, "GLACIER_IR", 179, "DEEP_ARCHIVE", 90)):
            with self.subTest(storage_class=storage_class, later_class=later_class):
                message = (f"'Days' in the 'Transition' action for StorageClass '{later_class}' for filter '(prefix=p/)' must be "
                           f"{least} days more than 'filter '(prefix=p/)'' in the 'Transition' action for StorageClass '{storage_class}'")
                steps = self.to((days, storage_class), (later_days, later_class))
                self.refused("InvalidArgument", self.put, {**steps, "Filter": {"Prefix": "p/"}}, message=message)
                self.refused("InvalidArgument", self.put, {"Expiration": {"Days": 1}}, {"NoncurrentVersionTransitions": [
                    {"NoncurrentDays": step["Days"], "StorageClass": step["StorageClass"]} for step in steps["Transitions"]]})
        # Not even the rules that are right are stored.
        self.refused("NoSuchLifecycleConfiguration", self.s3.get_bucket_lifecycle_configuration, Bucket=self.bucket)

    def test_a_refusal_leaves_the_rules_that_were_there(self):
        self.put({"Expiration": {"Days": 7}})
        self.refused("InvalidArgument", self.put, self.to((90, "GLACIER"), (100, "DEEP_ARCHIVE")))
        [rule] = self.s3.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        self.assertEqual(rule["Expiration"], {"Days": 7})

    def test_the_least_size_to_move(self):
        """API, PutBucketLifecycleConfiguration: TransitionDefaultMinimumObjectSize."""
        def put(**parameters) -> str:
            rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **self.to((30, "STANDARD_IA"))}
            answer = self.s3.put_bucket_lifecycle_configuration(Bucket=self.bucket, LifecycleConfiguration={"Rules": [rule]}, **parameters)
            found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.bucket)
            self.assertEqual(found["TransitionDefaultMinimumObjectSize"], answer["TransitionDefaultMinimumObjectSize"])
            return found["TransitionDefaultMinimumObjectSize"]

        self.assertEqual(put(), "all_storage_classes_128K")
        self.assertEqual(put(TransitionDefaultMinimumObjectSize="varies_by_storage_class"), "varies_by_storage_class")
        self.refused("InvalidRequest", put, TransitionDefaultMinimumObjectSize="none")
        self.assertEqual(put(), "all_storage_classes_128K")

    def test_what_is_refused(self):
        cases = {
            "29 days to STANDARD_IA": self.to((29, "STANDARD_IA")),
            "GLACIER within 30 days of STANDARD_IA": self.to((30, "STANDARD_IA"), (59, "GLACIER")),
            "DEEP_ARCHIVE before GLACIER": self.to((90, "GLACIER"), (60, "DEEP_ARCHIVE")),
            "expiry with the transition": {**self.to((90, "GLACIER")), "Expiration": {"Days": 90}},
            "twice the same class": self.to((30, "STANDARD_IA"), (60, "STANDARD_IA")),
            "no days at all": {"Expiration": {"Days": 0}},
        }
        for name, rule in cases.items():
            with self.subTest(name):
                error = None
                try:
                    self.put(rule)
                except self.s3.exceptions.ClientError as caught:
                    error = caught.response["Error"]["Code"]
                self.assertIn(error, ("InvalidArgument", "InvalidRequest", "MalformedXML"))
        self.refused("InvalidArgument", self.put, {"ID": "same", "Expiration": {"Days": 1}},
                     {"ID": "same", "Expiration": {"Days": 2}})
        self.refused("InvalidRequest", self.put, {})
