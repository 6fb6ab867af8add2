//! The points at which the operator is killed.

use std::collections::BTreeMap;
use std::fmt;

use super::RESOURCES;
use crate::crash::points::Moment;
use crate::kube_faults::KubeCall;

/// A part of a fleet's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The fleet is created, and makes its monitors.
    Create,
    /// Its template changes, which reaches the monitors in waves.
    Change,
}

impl Phase {
    pub const ALL: [Self; 2] = [Self::Create, Self::Change];
}

/// Crashes at the same call, one after the other.
#[derive(Clone, Debug)]
pub struct Crashes {
    pub call: KubeCall,
    /// The number of such calls that pass before each crash.
    pub skip: u32,
    pub moment: Moment,
    /// The most crashes.
    pub times: u32,
}

/// The crashes of each phase.
pub type Plan = BTreeMap<Phase, Crashes>;

/// The number of times that each write comes in a phase.
pub type Writes = BTreeMap<(Phase, KubeCall), u32>;

/// A point at which the operator is killed once.
#[derive(Clone, Debug)]
pub struct Point {
    pub phase: Phase,
    pub call: KubeCall,
    /// From 1 on, within the phase.
    pub nth: u32,
    pub moment: Moment,
}

impl Point {
    pub fn crashes(&self) -> Crashes {
        Crashes { call: self.call.clone(), skip: self.nth - 1, moment: self.moment, times: 1 }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KubeCall { verb, resource } = &self.call;
        write!(f, "{:?}, {:?} {verb} {resource} #{}", self.phase, self.moment, self.nth)
    }
}

/// Counts the writes on which something depends.
pub fn count(phase: Phase, calls: impl IntoIterator<Item = KubeCall>) -> Writes {
    let mut writes = Writes::new();
    for call in calls.into_iter().filter(|call| call.is_write() && RESOURCES.contains(&call.resource.as_str())) {
        *writes.entry((phase, call)).or_default() += 1;
    }
    writes
}

/// Every point at which a write can be stopped.
pub fn points(writes: &Writes) -> Vec<Point> {
    let of_write = |((phase, call), times): (&(Phase, KubeCall), &u32)| {
        let moments = [Moment::Before, Moment::After];
        let point = |nth, moment| Point { phase: *phase, call: call.clone(), nth, moment };
        (1..=*times).flat_map(|nth| moments.map(|moment| point(nth, moment))).collect::<Vec<_>>()
    };
    writes.iter().flat_map(of_write).collect()
}

/// Lives with at most one point in each phase.
pub fn spread(points: Vec<Point>) -> Vec<Vec<Point>> {
    let mut lives: Vec<Vec<Point>> = Vec::new();
    let mut next: BTreeMap<Phase, usize> = BTreeMap::new();
    for point in points {
        let life = next.entry(point.phase).or_default();
        match lives.get_mut(*life) {
            Some(points) => points.push(point),
            None => lives.push(vec![point]),
        }
        *life += 1;
    }
    lives
}
