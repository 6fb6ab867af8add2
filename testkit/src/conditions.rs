//! The conditions of objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};

/// An object with conditions.
pub trait HasConditions: ResourceExt {
    /// None before the first status.
    fn conditions(&self) -> &[Condition];
}

macro_rules! has_conditions {
    ($($kind:ty),*) => {
        $(impl HasConditions for $kind {
            fn conditions(&self) -> &[Condition] {
                self.status.as_ref().map_or(&[], |status| &status.conditions)
            }
        })*
    };
}

has_conditions!(VpcFlowMonitor, VpcFlowFleet, VpcFlowOverview);

/// True if the condition is so for the present generation of the object.
pub fn has(object: &impl HasConditions, type_: &str, status: &str, reason: &str) -> bool {
    of_present(object, type_).any(|known| known.status == status && known.reason == reason)
}

/// True if the condition has that status for the present generation of the object.
pub fn is(object: &impl HasConditions, type_: &str, status: &str) -> bool {
    of_present(object, type_).any(|known| known.status == status)
}

fn of_present<'o>(object: &'o impl HasConditions, type_: &'o str) -> impl Iterator<Item = &'o Condition> {
    let generation = object.meta().generation;
    object.conditions().iter().filter(move |known| known.type_ == type_ && known.observed_generation == generation)
}

/// The reason of a condition, whatever generation it is of.
pub fn reason(object: &impl HasConditions, type_: &str) -> Option<String> {
    object.conditions().iter().find(|known| known.type_ == type_).map(|known| known.reason.clone())
}

/// The message of a condition, whatever generation it is of.
pub fn message(object: &impl HasConditions, type_: &str) -> String {
    object.conditions().iter().filter(|known| known.type_ == type_).map(|known| known.message.clone()).collect()
}
