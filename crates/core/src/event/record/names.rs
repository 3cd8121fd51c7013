//! Texts of a record's request or answer that may name a resource, with the members that hold them.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::fields::other_shapes;
use crate::event::resources::{DEPTH_MAX, RESOURCES_MAX, may_name};

/// What stands for a member that AWS hides.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Members and their texts, in the record's order. Which of them are names depends on the service, which a record may tell
/// only further on.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Names<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(member, text)| (&**member, &**text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut names = Names::default();
        let walk = Walk {
            names: &mut names,
            member: &Cow::Borrowed(""),
            depth: 0,
        };
        walk.deserialize(from)?;
        Ok(names)
    }
}

/// Reads the value under a member.
struct Walk<'n, 'a> {
    names: &'n mut Names<'a>,
    member: &'n Cow<'a, str>,
    depth: usize,
}

impl<'a> Walk<'_, 'a> {
    fn take(self, text: Cow<'a, str>) {
        let names = &mut self.names.0;
        // Twice as many as are kept: not all of them are names in this service.
        if names.len() < 2 * RESOURCES_MAX && may_name(self.member, &text) && text != HIDDEN {
            names.push((self.member.clone(), text));
        }
    }
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Walk<'_, 'a> {
    type Value = ();
    other_shapes!((); unit bool number);

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.take(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.take(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth > DEPTH_MAX {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while let Some(member) = map.next_key_seed(Key(PhantomData))? {
            map.next_value_seed(Walk {
                names: &mut *self.names,
                member: &member,
                depth: self.depth + 1,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut taken = 0;
        while self.depth <= DEPTH_MAX && taken < RESOURCES_MAX {
            let walk = Walk {
                names: &mut *self.names,
                member: self.member,
                depth: self.depth + 1,
            };
            if list.next_element_seed(walk)?.is_none() {
                return Ok(());
            }
            taken += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// A member's name, borrowed unless it has escapes.
struct Key<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Key<'a> {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
