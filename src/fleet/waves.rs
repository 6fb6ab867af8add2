//! The waves in which a change of the template reaches the monitors. The state of a rollout is that of the monitors, so a crash forgets
//! nothing.

use std::time::Duration;

use jiff::Timestamp;

use super::present::Health;
use crate::api::fleet::{CountOrPercent, Rollout};
use crate::shortened::listed;

/// A VPC in the order of the rollout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member<'a> {
    /// Name of its monitor.
    pub name: &'a str,
    /// The template of its monitor.
    pub has: Has<'a>,
}

/// The template of a monitor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Has<'a> {
    /// There is no monitor yet.
    Nothing,
    /// A former template.
    Former,
    /// The present template.
    Present {
        /// Its health.
        health: &'a Health,
        /// The time at which it got the template.
        applied_at: Timestamp,
    },
    /// The API server refuses the present template for it.
    Refuses {
        /// Its message.
        why: &'a str,
        /// True if there is a monitor with a former template.
        is_former: bool,
    },
}

/// The state of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The number of members, from the first, that may get the template now.
    pub open: usize,
    /// True if new VPCs get their monitors now, whatever their wave.
    pub admits_new: bool,
    /// The wave that is under way, from 1.
    pub wave: usize,
    /// All waves.
    pub waves: usize,
    /// The reason for which the next wave does not begin.
    pub waits: Option<Wait>,
}

/// The reason for which the next wave does not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Monitors do not have the template yet, or are not Ready yet.
    Unready(String),
    /// The wave is observed until then.
    Soak(Timestamp),
    /// Monitors cannot become Ready by themselves.
    Stopped(String),
}

/// The most monitors that a message names.
const NAMED: usize = 3;

/// The state of the rollout over all members, in their order.
pub(super) fn progress(rollout: &Rollout, members: &[Member<'_>], now: Timestamp) -> Progress {
    let waves = rollout.waves.len();
    let done = Progress { open: members.len(), admits_new: true, wave: waves, waves, waits: None };
    if !is_under_way(members) {
        return done;
    }
    for (index, limit) in limits(rollout, members.len()).into_iter().enumerate() {
        let waits = wait(rollout, &members[..limit], now);
        if waits.is_some() || limit == members.len() {
            let waits = waits
                .filter(|_| limit < members.len() || members.iter().any(|it| matches!(it.has, Has::Refuses { .. })));
            return Progress { open: limit, admits_new: index > 0, wave: index + 1, waves, waits };
        }
    }
    // The last wave is that of all.
    done
}

/// The wave in which each member gets the template, from 1, in their order. `None` for all while no change of the template is under way: new
/// VPCs then get their monitors at once.
pub(super) fn wave_of_each(rollout: &Rollout, members: &[Member<'_>]) -> Vec<Option<usize>> {
    if !is_under_way(members) {
        return vec![None; members.len()];
    }
    let limits = limits(rollout, members.len());
    let wave = |(index, member): (usize, &Member<'_>)| {
        let own = 1 + limits.iter().take_while(|limit| **limit <= index).count();
        // Those without a monitor wait for the first wave only.
        Some(if member.has == Has::Nothing { own.min(2) } else { own })
    };
    members.iter().enumerate().map(wave).collect()
}

/// True if a change of the template has to reach members.
fn is_under_way(members: &[Member<'_>]) -> bool {
    members.iter().any(|member| matches!(member.has, Has::Former | Has::Refuses { is_former: true, .. }))
}

/// The number of members, from the first, that have the template after each wave.
fn limits(rollout: &Rollout, members: usize) -> Vec<usize> {
    let mut limit = 0;
    let after = |wave: &CountOrPercent| {
        limit = wave.of(members).clamp(limit, members);
        limit
    };
    rollout.waves.iter().map(after).collect()
}

/// The reason for which no wave begins after these members.
fn wait(rollout: &Rollout, members: &[Member<'_>], now: Timestamp) -> Option<Wait> {
    let refused = members.iter().filter_map(|member| match member.has {
        Has::Refuses { why, .. } => Some((member.name, why)),
        _ => None,
    });
    let refused: Vec<_> = refused.collect();
    if !refused.is_empty() {
        return Some(Wait::Stopped(named(&refused)));
    }
    let without: Vec<_> = members.iter().filter(|member| matches!(member.has, Has::Nothing | Has::Former)).collect();
    if !without.is_empty() {
        let names: Vec<_> = without.iter().map(|member| (member.name, "it does not have the template yet")).collect();
        return Some(Wait::Unready(named(&names)));
    }
    let mut unready = Vec::new();
    let (mut stalled, mut soaked) = (0, Timestamp::MIN);
    for member in members {
        let Has::Present { health, applied_at } = &member.has else { continue };
        soaked = soaked.max(*applied_at);
        match health {
            Health::Ready { since } => soaked = soaked.max(*since),
            Health::Progressing(why) | Health::Failing(why) => unready.push((member.name, why.as_str())),
            Health::Stalled(why) => {
                stalled += 1;
                // Those that need a person are named first.
                unready.insert(0, (member.name, why.as_str()));
            }
        }
    }
    let most = rollout.max_unready.of(members.len());
    if stalled > most {
        return Some(Wait::Stopped(named(&unready)));
    }
    if unready.len() > most {
        return Some(Wait::Unready(named(&unready)));
    }
    let ends = soaked.checked_add(Duration::from_secs(rollout.soak_seconds.into())).unwrap_or(Timestamp::MAX);
    (!members.is_empty() && ends > now).then_some(Wait::Soak(ends))
}

fn named(members: &[(&str, &str)]) -> String {
    let names: Vec<_> = members.iter().map(|(name, why)| format!("{name} ({why})")).collect();
    listed(&names, NAMED, ", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rollout(waves: &[&str], max_unready: u32, soak_seconds: u32) -> Rollout {
        let wave =
            |text: &str| text.parse().map_or_else(|_| CountOrPercent::Percent(text.to_owned()), CountOrPercent::Count);
        let waves = waves.iter().map(|text| wave(text)).collect();
        Rollout { waves, max_unready: CountOrPercent::Count(max_unready), soak_seconds }
    }

    const READY: Health = Health::Ready { since: Timestamp::UNIX_EPOCH };

    /// Members by a letter each: n nothing, f former, r Ready, p progressing, s stalled, x refused, X refused and not
    /// there.
    fn members<'a>(letters: &str, healths: &'a [Health; 3]) -> Vec<Member<'a>> {
        let present = |health| Has::Present { health, applied_at: at(100) };
        let has = |letter| match letter {
            'n' => Has::Nothing,
            'f' => Has::Former,
            'r' => present(&healths[0]),
            'p' => present(&healths[1]),
            's' => present(&healths[2]),
            'x' => Has::Refuses { why: "no", is_former: true },
            _ => Has::Refuses { why: "no", is_former: false },
        };
        letters.chars().map(|letter| Member { name: "m", has: has(letter) }).collect()
    }

    fn healths() -> [Health; 3] {
        [READY, Health::Progressing("p".into()), Health::Stalled("s".into())]
    }

    #[test]
    fn waves_begin_one_after_the_other() {
        let healths = healths();
        for (letters, now, open, wave) in [
            ("nnnnnnnnnn", 0, 10, 3),
            ("ffffffffff", 200, 1, 1),
            ("rfffffffff", 109, 1, 1), // is observed
            ("rfffffffff", 110, 5, 2),
            ("pfffffffff", 200, 1, 1),
            ("sfffffffff", 200, 1, 1),
            ("xfffffffff", 200, 1, 1),
            ("rrrrffffff", 200, 5, 2),
            ("rrrrrfffff", 110, 10, 3),
            ("rrrprfffff", 200, 5, 2),
            ("rrrrrrrrrf", 200, 10, 3),
            ("rrrrrrrrrr", 100, 10, 3),
            ("rrrrrrrrsp", 100, 10, 3),
        ] {
            let progress = progress(&rollout(&["1", "50%", "100%"], 0, 10), &members(letters, &healths), at(now));
            assert_eq!((progress.open, progress.wave), (open, wave), "{letters} at {now}: {progress:?}");
        }
    }

    #[test]
    fn a_rollout_that_cannot_go_on_by_itself_has_stopped() {
        let healths = healths();
        let waits = |letters: &str, max_unready| {
            progress(&rollout(&["2", "100%"], max_unready, 0), &members(letters, &healths), at(200)).waits
        };
        assert_eq!(waits("rsff", 0), Some(Wait::Stopped("m (s)".into())));
        assert_eq!(waits("rsff", 1), None);
        assert_eq!(waits("psff", 1), Some(Wait::Unready("m (s), m (p)".into())));
        assert_eq!(waits("rpff", 0), Some(Wait::Unready("m (p)".into())));
        assert_eq!(waits("rxff", 1), Some(Wait::Stopped("m (no)".into())));
        assert_eq!(waits("rrrx", 1), Some(Wait::Stopped("m (no)".into())), "it is in the last wave");
        assert_eq!(waits("rrrf", 0), None);
    }

    #[test]
    fn new_vpcs_wait_for_the_first_wave_of_a_change_only() {
        let healths = healths();
        let admits = |letters: &str| {
            progress(&rollout(&["1", "50%", "100%"], 0, 10), &members(letters, &healths), at(200)).admits_new
        };
        assert!(admits("nnnn"));
        assert!(admits("rnrr"));
        assert!(admits("Xnrr"));
        assert!(!admits("sfnf"));
        assert!(admits("rfnf"));
    }

    #[test]
    fn each_member_has_its_wave_while_a_change_is_under_way() {
        let healths = healths();
        let waves = |letters: &str, waves: &[&str]| -> String {
            let of_each = wave_of_each(&rollout(waves, 0, 10), &members(letters, &healths));
            of_each.into_iter().map(|wave| wave.map_or("-".to_owned(), |wave| wave.to_string())).collect()
        };
        assert_eq!(waves("ffffffffff", &["1", "50%", "100%"]), "1222233333");
        assert_eq!(waves("rrfffxfffn", &["1", "50%", "100%"]), "1222233332", "a new one waits for the first wave only");
        assert_eq!(waves("nf", &["1", "50%", "100%"]), "13");
        assert_eq!(waves("fff", &["0%", "100%"]), "222");
        assert_eq!(waves("ffn", &["100%"]), "111");
        assert_eq!(waves("rnr", &["1", "100%"]), "---");
    }

    proptest! {
        /// However the monitors stand, each step that the rollout allows brings it on, and it ends if all become Ready.
        #[test]
        fn a_rollout_ends(letters in "[nfrps]{1,12}", waves in prop::collection::vec(0..=100_u32, 0..4), soak in 0..20_u32) {
            let mut waves: Vec<_> = waves.iter().map(|percent| format!("{percent}%")).collect();
            waves.push("100%".to_owned());
            let waves: Vec<&str> = waves.iter().map(String::as_str).collect();
            let rollout = rollout(&waves, 0, soak);
            let healths = healths();
            let mut letters: Vec<char> = letters.chars().collect();
            for _ in 0..2 * letters.len() + 2 {
                let state = progress(&rollout, &members(&letters.iter().collect::<String>(), &healths), at(1000));
                for (index, letter) in letters.iter_mut().enumerate() {
                    let may = index < state.open || (*letter == 'n' && state.admits_new);
                    *letter = match *letter {
                        'n' | 'f' if may => 'p',
                        'p' | 's' => 'r',
                        other => other,
                    };
                }
            }
            prop_assert_eq!(letters.iter().collect::<String>(), "r".repeat(letters.len()));
        }
    }
}
