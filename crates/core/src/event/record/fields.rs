//! The members of a record that its keys are made of, borrowed from its bytes.
//!
//! Lenient where a key can stay absent: a member of another shape than AWS's is as if it were not there.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::names::Names;
use crate::event::resources::RESOURCES_MAX;

/// A record.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub(super) user_identity: Lenient<Identity<'a>>,
    #[serde(borrow)]
    pub(super) event_time: Text<'a>,
    #[serde(borrow)]
    pub(super) event_source: Text<'a>,
    #[serde(borrow)]
    pub(super) event_name: Text<'a>,
    #[serde(borrow)]
    pub(super) aws_region: Text<'a>,
    #[serde(borrow)]
    pub(super) error_code: Text<'a>,
    #[serde(borrow)]
    pub(super) request_parameters: Names<'a>,
    #[serde(borrow)]
    pub(super) response_elements: Names<'a>,
    #[serde(borrow, rename = "eventID")]
    pub(super) event_id: Text<'a>,
    /// Of aggregated events.
    #[serde(borrow, rename = "eventId")]
    pub(super) aggregated_id: Text<'a>,
    pub(super) read_only: Flag,
    #[serde(borrow)]
    pub(super) resources: List<Entry<'a>>,
    #[serde(borrow)]
    pub(super) event_type: Text<'a>,
    pub(super) management_event: Flag,
    #[serde(borrow)]
    pub(super) recipient_account_id: Text<'a>,
    /// Of aggregated events.
    #[serde(borrow)]
    pub(super) account_id: Text<'a>,
    #[serde(borrow)]
    pub(super) vpc_endpoint_id: Text<'a>,
    #[serde(borrow)]
    pub(super) event_category: Text<'a>,
    #[serde(borrow)]
    pub(super) tls_details: Lenient<TlsDetails<'a>>,
    pub(super) session_credential_from_console: Flag,
    #[serde(borrow)]
    pub(super) insight_details: Lenient<InsightDetails<'a>>,
    #[serde(borrow)]
    pub(super) time_window: Lenient<TimeWindow<'a>>,
    #[serde(borrow)]
    pub(super) summary: Lenient<Summary<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) principal_id: Text<'a>,
    #[serde(borrow)]
    pub(super) arn: Text<'a>,
    #[serde(borrow)]
    pub(super) account_id: Text<'a>,
    #[serde(borrow)]
    pub(super) access_key_id: Text<'a>,
    #[serde(borrow)]
    pub(super) user_name: Text<'a>,
    #[serde(borrow)]
    pub(super) invoked_by: Text<'a>,
}

/// An entry of `resources`; some services write other cases of the names.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, rename = "ARN", alias = "arn")]
    pub(super) arn: Text<'a>,
    #[serde(borrow, rename = "ARNPrefix")]
    pub(super) arn_prefix: Text<'a>,
    #[serde(borrow)]
    pub(super) account_id: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TlsDetails<'a> {
    #[serde(borrow)]
    pub(super) client_provided_host_header: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InsightDetails<'a> {
    #[serde(borrow)]
    pub(super) event_source: Text<'a>,
    #[serde(borrow)]
    pub(super) event_name: Text<'a>,
    #[serde(borrow)]
    pub(super) error_code: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TimeWindow<'a> {
    #[serde(borrow)]
    pub(super) window_start: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Summary<'a> {
    #[serde(borrow)]
    pub(super) primary_dimension: Lenient<Dimension<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Dimension<'a> {
    #[serde(borrow)]
    pub(super) dimension: Text<'a>,
    #[serde(borrow)]
    pub(super) statistics: List<Statistic<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Statistic<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

impl List<Statistic<'_>> {
    pub(super) fn first_name(&self) -> Option<&str> {
        self.0.first()?.name.as_deref()
    }
}

/// A text; absent when it is missing, null, empty, or no text.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// This, else the other.
    pub(super) fn or<'t>(&'t self, other: &'t Text<'_>) -> Option<&'t str> {
        self.as_deref().or(other.as_deref())
    }
}

impl<'a> Deref for Text<'a> {
    type Target = Option<Cow<'a, str>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// `true`, `"true"`, or absent.
#[derive(Debug, Default)]
pub(super) struct Flag(Option<bool>);

impl Deref for Flag {
    type Target = Option<bool>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// An object, or its default for anything else.
#[derive(Debug, Default)]
pub(super) struct Lenient<T>(T);

impl<T> Deref for Lenient<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The first objects of a list; empty for anything else.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What visitors have in common: every shape that they do not take is read over.
macro_rules! other_shapes {
    ($default:expr; $($shape:ident)*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON value")
        }
        $(other_shapes!(@ $shape $default);)*
    };
    (@ unit $default:expr) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($default) }
    };
    (@ bool $default:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($default) }
    };
    (@ number $default:expr) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($default) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($default) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($default) }
    };
    (@ text $default:expr) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($default) }
    };
    (@ list $default:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($default)
        }
    };
    (@ object $default:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($default)
        }
    };
}
pub(super) use other_shapes;

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Read<'a> {
            type Value = Text<'a>;
            other_shapes!(Text(None); unit bool number list object);

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'a>, E> {
                Ok(Text((!text.is_empty()).then_some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(
                    (!text.is_empty()).then(|| Cow::Owned(text.to_owned())),
                ))
            }
        }
        from.deserialize_any(Read(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Flag;
            other_shapes!(Flag(None); unit number list object);

            fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(Some(flag)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Flag, E> {
                Ok(Flag(text.parse().ok()))
            }
        }
        from.deserialize_any(Read)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Read<T> {
            type Value = Lenient<T>;
            other_shapes!(Lenient(T::default()); unit bool number text list);

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Lenient<T>, A::Error> {
                let from = serde::de::value::MapAccessDeserializer::new(map);
                T::deserialize(from).map(Lenient)
            }
        }
        from.deserialize_any(Read(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Read<T> {
            type Value = List<T>;
            other_shapes!(List(Vec::new()); unit bool number text object);

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut items = Vec::new();
                while items.len() < RESOURCES_MAX {
                    match list.next_element::<Lenient<T>>()? {
                        Some(item) => items.push(item.0),
                        None => return Ok(List(items)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(List(items))
            }
        }
        from.deserialize_any(Read(PhantomData))
    }
}
