use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{Validation, rule_at};

/// A transition and its default, as the rules show them.
struct Transition {
    field: &'static str,
    default: i32,
}

const STANDARD_IA: Transition = Transition { field: "standardIaAfterDays", default: 30 };
const GLACIER: Transition = Transition { field: "glacierAfterDays", default: 90 };
const DEEP_ARCHIVE: Transition = Transition { field: "deepArchiveAfterDays", default: 365 };

impl Transition {
    /// An expression for its value. A user may never have written the field whose default breaks a rule.
    fn value(&self) -> String {
        let Self { field, default } = self;
        format!("self.{field} == {default} ? '{default} unless set' : string(self.{field})")
    }

    /// The rule that it comes this many days or more after an earlier transition.
    fn follows(&self, earlier: &Self, days: i32) -> Validation {
        let (this, that) = (self.field, earlier.field);
        rule_at(
            &format!(".{this}"),
            &format!("self.{this} == 0 || self.{that} == 0 || self.{this} >= self.{that} + {days}"),
            &format!("{this} must be at least {days} days after {that}"),
        )
        .showing(
            &format!("{this} is %s, {that} is %s: set {this} to %s or more, or to 0 for never"),
            &[&self.value(), &earlier.value(), &format!("self.{that} + {days}")],
        )
    }
}

/// The limits of S3: "Managing the lifecycle of objects" in the Amazon S3 user guide.
fn rules() -> [Validation; 5] {
    let later =
        [STANDARD_IA, GLACIER, DEEP_ARCHIVE].map(|it| format!("self.expireAfterDays > self.{}", it.field)).join(" && ");
    [
        rule_at(
            ".standardIaAfterDays",
            "self.standardIaAfterDays == 0 || self.standardIaAfterDays >= 30",
            "standardIaAfterDays must be 0 for never, or at least 30, because S3 moves nothing to Standard-IA earlier",
        )
        .showing("it is %s", &["self.standardIaAfterDays"]),
        GLACIER.follows(&STANDARD_IA, 30),
        DEEP_ARCHIVE.follows(&GLACIER, 90),
        DEEP_ARCHIVE.follows(&STANDARD_IA, 30),
        rule_at(
            ".expireAfterDays",
            &format!("!has(self.expireAfterDays) || self.intelligentTiering || ({later})"),
            "expireAfterDays must be later than every transition",
        )
        .showing(
            "it is %s, standardIaAfterDays is %s, glacierAfterDays is %s, deepArchiveAfterDays is %s; 0 leaves a transition out",
            &["self.expireAfterDays", &STANDARD_IA.value(), &GLACIER.value(), &DEEP_ARCHIVE.value()],
        ),
    ]
}

/// Days after which stored records move to cheaper storage or are deleted. Days count from an object's creation. By default S3 moves no
/// object of less than 128 KB to another class: the files of a small VPC stay in Standard until they expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = rules()))]
pub struct Lifecycle {
    /// Days until Standard-IA; 0 for never, otherwise at least 30. Default 30.
    #[schemars(range(min = 0, max = 36500))]
    pub standard_ia_after_days: i32,
    /// Days until Glacier Flexible Retrieval; 0 for never, otherwise at least 30 after Standard-IA. Default 90. Athena cannot read objects
    /// in Glacier, so queries reach back only this far.
    #[schemars(range(min = 0, max = 36500))]
    pub glacier_after_days: i32,
    /// Days until Glacier Deep Archive; 0 for never, otherwise at least 90 after Glacier and at least 30 after Standard-IA. Default 365.
    #[schemars(range(min = 0, max = 36500))]
    pub deep_archive_after_days: i32,
    /// Days until a record is deleted. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 36500))]
    pub expire_after_days: Option<i32>,
    /// Days until an overwritten or deleted version is gone for good. Default 30.
    #[schemars(range(min = 1, max = 36500))]
    pub noncurrent_version_expire_after_days: i32,
    /// True moves records to Intelligent-Tiering at once, instead of the three transitions. Default false.
    pub intelligent_tiering: bool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            standard_ia_after_days: STANDARD_IA.default,
            glacier_after_days: GLACIER.default,
            deep_archive_after_days: DEEP_ARCHIVE.default,
            expire_after_days: None,
            noncurrent_version_expire_after_days: 30,
            intelligent_tiering: false,
        }
    }
}
