//! A map that keeps so many entries: beyond, the oldest goes.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::Hash,
};

pub(super) struct Newest<K, V> {
    known: HashMap<K, V>,
    order: VecDeque<K>,
    max: usize,
}

impl<K: Clone + Eq + Hash, V> Newest<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            known: HashMap::new(),
            order: VecDeque::new(),
            max,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.known.get(key)
    }

    /// A new value of a known key leaves it as old as it was.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.known.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        self.known.retain(|_, value| is_kept(value));
        self.order.retain(|key| self.known.contains_key(key));
    }

    /// The values, the oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.order.iter().filter_map(|key| self.known.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_its_bound_the_oldest_goes() {
        let mut newest = Newest::new(3);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("d", 5)] {
            newest.insert(key, value);
        }
        assert_eq!(newest.values().collect::<Vec<_>>(), [&2, &4, &5]);
        assert_eq!((newest.get("a"), newest.get("d")), (None, Some(&5)));
        newest.retain(|value| *value != 4);
        newest.insert("e", 6);
        assert_eq!(newest.values().collect::<Vec<_>>(), [&2, &5, &6]);
        assert_eq!(newest.len(), 3);
    }
}
