//! Who made the calls: identities, user agents and error codes, each text stored once, and the heaviest of them.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};

/// `userIdentityArn`, `userAgent`, `errorCode`.
pub(crate) const ATTRIBUTES: usize = 3;
/// A list names at most this many values, as AWS does.
pub(crate) const NAMED_MAX: usize = 5;
/// Counted values per list: twice what is named, so that the fifth place is trustworthy.
const COUNTED_MAX: usize = 10;
/// Different callers told apart in the open minutes of a series; the rest are counted without a name.
const RECENT_MAX: usize = 64;

/// A text in [`Values`]; [`Value::NONE`] when the event had none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Value(pub(crate) u32);

impl Value {
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// Every text that an attribution names, once.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pub(crate) texts: Vec<Box<str>>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Values {
    /// The text's number; [`Value::NONE`] for a new text when there is no room.
    pub(crate) fn intern(&mut self, text: &str, values_max: usize) -> Value {
        let hash = self.hasher.hash_one(text);
        if let Some(&at) = self
            .index
            .find(hash, |&at| &*self.texts[at as usize] == text)
        {
            return Value(at);
        }
        if self.texts.len() >= values_max.min(u32::MAX as usize - 1) {
            return Value::NONE;
        }
        let at = self.texts.len() as u32;
        self.texts.push(text.into());
        let (texts, hasher) = (&self.texts, &self.hasher);
        self.index
            .insert_unique(hash, at, |&at| hasher.hash_one(&*texts[at as usize]));
        Value(at)
    }

    pub(crate) fn text(&self, value: Value) -> Option<&str> {
        self.texts.get(value.0 as usize).map(|text| &**text)
    }

    /// Keeps the texts marked as used; answers each old number's new one.
    pub(crate) fn retain(&mut self, used: &[bool]) -> Vec<Value> {
        let old = std::mem::take(&mut self.texts);
        self.index.clear();
        old.into_iter()
            .zip(used)
            .map(|(text, &used)| {
                if used {
                    self.intern(&text, usize::MAX)
                } else {
                    Value::NONE
                }
            })
            .collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.texts.iter().map(|text| text.len() + 16).sum::<usize>() + self.index.capacity() * 5
    }
}

/// Equal calls of one open minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Caller {
    pub(crate) minute: u32,
    pub(crate) values: [Value; ATTRIBUTES],
    pub(crate) count: u32,
}

/// Adds calls to a minute's callers.
pub(crate) fn add_caller(recent: &mut Vec<Caller>, call: Caller) {
    let known = recent
        .iter_mut()
        .rev()
        .find(|known| known.minute == call.minute && known.values == call.values);
    if let Some(known) = known {
        known.count = known.count.saturating_add(call.count);
    } else if recent.len() < RECENT_MAX {
        recent.push(call);
    } else {
        let nameless = [Value::NONE; ATTRIBUTES];
        let spare = recent
            .iter_mut()
            .find(|known| known.minute == call.minute && known.values == nameless);
        if let Some(spare) = spare {
            spare.count = spare.count.saturating_add(call.count);
        } else {
            // At most one such entry per open minute above the limit.
            recent.push(Caller {
                values: nameless,
                ..call
            });
        }
    }
}

/// The heaviest values of one attribute, by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005): any
/// value with more than a tenth of the calls is in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Heaviest {
    pub(crate) counts: Vec<(Value, f32)>,
}

impl Heaviest {
    fn add(&mut self, value: Value, count: f32) {
        if value == Value::NONE {
            return;
        }
        if let Some(known) = self.counts.iter_mut().find(|known| known.0 == value) {
            known.1 += count;
        } else if self.counts.len() < COUNTED_MAX {
            self.counts.push((value, count));
        } else if let Some(least) = self.counts.iter_mut().min_by(|a, b| a.1.total_cmp(&b.1)) {
            *least = (value, least.1 + count);
        }
    }
}

/// The callers of a period: its heaviest values by attribute and all its calls.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Callers {
    pub(crate) heaviest: [Heaviest; ATTRIBUTES],
    pub(crate) calls: f32,
}

impl Callers {
    pub(crate) fn add(&mut self, caller: &Caller) {
        let count = caller.count as f32;
        self.calls += count;
        for (heaviest, &value) in self.heaviest.iter_mut().zip(&caller.values) {
            heaviest.add(value, count);
        }
    }

    /// Weighs the past down; what has become nothing is forgotten.
    pub(crate) fn fade(&mut self, factor: f32) {
        self.calls *= factor;
        for heaviest in &mut self.heaviest {
            heaviest.counts.retain_mut(|known| {
                known.1 *= factor;
                known.1 > 1e-3
            });
        }
    }

    /// The values to name with their share of all calls, heaviest first.
    pub(crate) fn shares<'v>(&self, attribute: usize, values: &'v Values) -> Vec<(&'v str, f64)> {
        let mut named: Vec<(&str, f64)> = self.heaviest[attribute]
            .counts
            .iter()
            .filter_map(|&(value, count)| {
                let share = f64::from(count) / f64::from(self.calls.max(f32::MIN_POSITIVE));
                Some((values.text(value)?, share.min(1.0)))
            })
            .collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        named.truncate(NAMED_MAX);
        named
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.heaviest
            .iter_mut()
            .flat_map(|heaviest| heaviest.counts.iter_mut().map(|known| &mut known.0))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.heaviest
            .iter()
            .map(|heaviest| heaviest.counts.capacity() * size_of::<(Value, f32)>())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_values_survive_a_stream_of_light_ones() {
        let mut values = Values::default();
        let heavy = values.intern("heavy", 10_000);
        let mut callers = Callers::default();
        for n in 0..2_000 {
            let light = values.intern(&format!("light-{n}"), 10_000);
            for value in [light, heavy] {
                callers.add(&Caller {
                    minute: 0,
                    values: [value, Value::NONE, Value::NONE],
                    count: 1,
                });
            }
        }
        let shares = callers.shares(0, &values);
        assert_eq!((shares[0].0, shares.len()), ("heavy", NAMED_MAX));
        assert!((shares[0].1 - 0.5).abs() < 0.1);
        assert!(callers.shares(1, &values).is_empty());
    }

    #[test]
    fn values_have_a_limit_and_are_renumbered() {
        let mut values = Values::default();
        let (a, b) = (values.intern("a", 2), values.intern("b", 2));
        assert_eq!(values.intern("c", 2), Value::NONE);
        let renumbered = values.retain(&[false, true]);
        assert_eq!(renumbered[a.0 as usize], Value::NONE);
        assert_eq!(values.text(renumbered[b.0 as usize]), Some("b"));
        assert_ne!(values.intern("c", 2), Value::NONE);
    }
}
