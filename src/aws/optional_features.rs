//! Features whose IAM actions the default policies leave out: a monitor that uses one needs policies that allow it.

/// The features as the command `permissions` names them, each with parts of the names of its actions. Actions that other features need too are
/// in the default policies; one that two of these features need names both. A test of `permissions` compares it with the policies.
const FEATURES: [(&str, &[&str]); 6] = [
    ("overviews", &["EventBus", "events:PutPermission"]),
    ("overview-links", &["oam:", "cloudwatch:Link"]),
    ("s3-source", &["BucketNotification"]),
    ("overviews,s3-source", &["events:"]),
    ("anomaly-bands", &["AnomalyDetector", "CompositeAlarm"]),
    ("quiet-times", &["MuteRule"]),
];

/// The feature that an action belongs to, if it is one that the default policies leave out.
#[must_use]
pub fn optional_feature(action: &str) -> Option<&'static str> {
    FEATURES.iter().find(|(_, parts)| parts.iter().any(|part| action.contains(part))).map(|(feature, _)| *feature)
}

/// Missing actions in words, with the way to their features.
#[must_use]
pub fn missing(actions: &[&str]) -> String {
    let mut features: Vec<_> = actions.iter().filter_map(|action| optional_feature(action)).collect();
    features.sort_unstable();
    features.dedup();
    let actions = actions.join(", ");
    if features.is_empty() {
        return actions;
    }
    let features = features.join(",");
    format!("{actions}; print the policies with `vpc-flow-operator permissions --features …,{features}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_actions_of_an_optional_feature_lead_to_it() {
        assert_eq!(missing(&["s3:GetBucketPolicy", "iam:GetRole"]), "s3:GetBucketPolicy, iam:GetRole");
        let expected =
            "s3:GetBucketNotification; print the policies with `vpc-flow-operator permissions --features …,s3-source`";
        assert_eq!(missing(&["s3:GetBucketNotification"]), expected);
        let several =
            missing(&["cloudwatch:PutAlarmMuteRule", "cloudwatch:PutCompositeAlarm", "cloudwatch:GetAlarmMuteRule"]);
        assert!(several.ends_with("…,anomaly-bands,quiet-times`"), "{several}");
    }
}
