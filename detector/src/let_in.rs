//! The ports or hosts that let a scan in, in bounded memory.

/// The places that let one scan in, in the order they came. `N` are kept in place; the others, up to `M` in all, take room that all scans
/// share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetIn<T, const N: usize, const M: usize> {
    first: [Option<T>; N],
    // A pointer: most scans need no others, and there are many counts of scans.
    others: Option<Box<Others<T>>>,
    more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Others<T>(Vec<T>);

/// Room for the places that all scans keep apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room(pub usize);

impl<T: Copy + PartialEq, const N: usize, const M: usize> Default for LetIn<T, N, M> {
    fn default() -> Self {
        Self { first: [None; N], others: None, more: false }
    }
}

impl<T: Copy + Ord, const N: usize, const M: usize> LetIn<T, N, M> {
    /// Adds a place, if there is room for it.
    #[inline]
    pub(crate) fn add(&mut self, place: T, room: &mut Room) {
        if self.first.contains(&Some(place)) {
            return;
        }
        match self.first.iter_mut().find(|kept| kept.is_none()) {
            Some(kept) => *kept = Some(place),
            None => self.add_other(place, room),
        }
    }

    #[cold]
    fn add_other(&mut self, place: T, Room(room): &mut Room) {
        let Others(others) = &mut **self.others.get_or_insert_with(|| Box::new(Others(Vec::new())));
        if others.contains(&place) {
            return;
        }
        if N + others.len() < M && *room > 0 {
            others.push(place);
            *room -= 1;
        } else {
            self.more = true;
        }
    }

    /// Adds those of another window, which have room already.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut room = Room(other.len());
        other.kept().for_each(|place| self.add(place, &mut room));
        self.more |= other.more;
    }

    /// The places kept.
    pub fn kept(&self) -> impl Iterator<Item = T> {
        self.first.iter().copied().flatten().chain(self.others.iter().flat_map(|others| others.0.iter().copied()))
    }

    fn len(&self) -> usize {
        self.kept().count()
    }

    /// True if there were others.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Sorts the places, those that are `new` first.
    #[must_use]
    pub fn with_new_first(&self, is_new: impl Fn(T) -> bool) -> Self {
        let mut places: Vec<_> = self.kept().collect();
        places.sort_unstable_by_key(|place| (!is_new(*place), *place));
        let mut sorted = Self { more: self.more, ..Self::default() };
        let mut room = Room(places.len());
        for place in places {
            sorted.add(place, &mut room);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Places = LetIn<u16, 3, 6>;

    fn kept(places: &Places) -> Vec<u16> {
        places.kept().collect()
    }

    fn of(places: &[u16]) -> Places {
        let mut let_in = Places::default();
        for place in places {
            let_in.add(*place, &mut Room(100));
        }
        let_in
    }

    #[test]
    fn each_is_kept_once_up_to_the_bound() {
        let let_in = of(&[1, 2, 1, 3, 4, 4, 2]);
        assert_eq!((kept(&let_in), let_in.has_more()), (vec![1, 2, 3, 4], false));
        let let_in = of(&[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((kept(&let_in), let_in.has_more()), (vec![1, 2, 3, 4, 5, 6], true));
    }

    #[test]
    fn scans_share_the_room_for_all_but_the_first() {
        let mut room = Room(1);
        let (mut one, mut other) = (Places::default(), Places::default());
        (1..=4).for_each(|place| one.add(place, &mut room));
        (1..=4).for_each(|place| other.add(place, &mut room));
        assert_eq!((kept(&one), one.has_more()), (vec![1, 2, 3, 4], false));
        assert_eq!((kept(&other), other.has_more()), (vec![1, 2, 3], true));
    }

    #[test]
    fn those_of_two_windows_are_kept_together() {
        let mut both = of(&[9]);
        both.merge(&of(&[1, 2, 3, 4]));
        assert_eq!((kept(&both), both.has_more()), (vec![9, 1, 2, 3, 4], false));
        both.merge(&of(&[1, 2, 3, 4, 5, 6, 7]));
        assert_eq!((kept(&both), both.has_more()), (vec![9, 1, 2, 3, 4, 5], true));
    }

    #[test]
    fn new_ones_come_first() {
        let let_in = of(&[5, 4, 3, 2, 1]);
        assert_eq!(kept(&let_in.with_new_first(|place| place == 4 || place == 2)), [2, 4, 1, 3, 5]);
        assert!(of(&[1, 2, 3, 4, 5, 6, 7]).with_new_first(|_| false).has_more());
    }
}
