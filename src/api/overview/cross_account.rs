use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{distinct, each_matching};

/// CloudWatch's links between accounts (Observability Access Manager). Without them the dashboard has no metrics of other accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CrossAccount {
    /// ARNs of existing sinks in the account of the overview: one per region. They are never changed; their policies must admit the
    /// accounts of the monitors. In each of these regions the operator makes a link from each other account that has monitors there. A link
    /// that exists already is used, and is never changed. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 256)), extend("x-kubernetes-validations" = [
        each_matching("^arn:aws[a-z-]*:oam:[a-z0-9-]+:[0-9]{12}:sink/[A-Za-z0-9-]{1,64}$", "a sink is named by its ARN, such as arn:aws:oam:eu-west-1:111122223333:sink/12345678-1234-1234-1234-123456789012"),
        distinct("each sink is named once")
    ]))]
    pub sink_arns: Vec<String>,
}
