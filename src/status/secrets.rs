//! The spec without its secrets, for a terminal that others see.

use serde_json::Value;

use crate::resources::notifications::masked;

/// The mark in the place of a secret.
const HIDDEN: &str = "****";

/// The spec with a mark for the external id of the role and for the passwords in the URLs of subscriptions.
pub fn without_secrets(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(id @ Value::String(_)) = spec.pointer_mut("/assumeRole/externalId") {
        *id = HIDDEN.into();
    }
    let subscriptions = spec.pointer_mut("/notifications/subscriptions").and_then(Value::as_array_mut);
    for endpoint in subscriptions.into_iter().flatten().filter_map(|it| it.get_mut("endpoint")) {
        if let Some(text) = endpoint.as_str() {
            *endpoint = masked(text).into();
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passwords_and_external_ids_are_masked() {
        let role_arn = "arn:aws:iam::111122223333:role/r";
        let spec = json!({
            "vpcId": "vpc-12345678",
            "assumeRole": {"roleArn": role_arn, "externalId": "secret"},
            "notifications": {"subscriptions": [
                {"protocol": "https", "endpoint": "https://user:secret@example.com/hook"},
                {"protocol": "email", "endpoint": "soc@example.com"},
            ]},
        });
        assert_eq!(
            without_secrets(&spec),
            json!({
                "vpcId": "vpc-12345678",
                "assumeRole": {"roleArn": role_arn, "externalId": "****"},
                "notifications": {"subscriptions": [
                    {"protocol": "https", "endpoint": "https://user:****@example.com/hook"},
                    {"protocol": "email", "endpoint": "soc@example.com"},
                ]},
            })
        );
        let without = json!({"vpcId": "vpc-12345678", "assumeRole": {"roleArn": role_arn}});
        assert_eq!(without_secrets(&without), without);
    }
}
