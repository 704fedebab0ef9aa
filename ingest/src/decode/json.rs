//! Reads JSON objects straight into the wire structs, without a tree of values in between.
//!
//! In: payload bytes.   Out: a wire struct, or [`Reject::Malformed`] with where and what. Unknown keys are skipped, since
//! devices learn new ones before we do. Never accepts an array where an object is meant: serde would take its items in
//! order, and `[x1, y1, x2, y2]` would quietly be read as `x, y, w, h`.

use super::fields::short;
use model::Reject;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// The whole payload as one object. Size is bounded by the gate, depth by serde_json (128 levels).
pub(super) fn object<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<T, Reject> {
    if payload.is_empty() {
        return Err(Reject::Empty);
    }
    let mut reader = serde_json::Deserializer::from_slice(payload);
    let value = nested(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(Reject::Malformed("null, expected an object".to_owned())),
        Err(error) => Err(Reject::Malformed(short(&error.to_string()))),
    }
}

/// An object inside the payload; `null` counts as left out. For `#[serde(deserialize_with)]`.
pub(super) fn nested<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    struct ObjectOnly<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectOnly<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    reader.deserialize_any(ObjectOnly(PhantomData))
}

/// A list of objects inside the payload; `null` counts as left out, an item that is null is refused. For
/// `#[serde(deserialize_with)]`.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<Vec<T>>, D::Error> {
    struct Item<T>(Option<T>);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Item<T> {
        fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
            nested(reader).map(Self)
        }
    }

    let items = Option::<Vec<Item<T>>>::deserialize(reader)?;
    let objects =
        items.map(|items| items.into_iter().map(|Item(item)| item.ok_or("null, expected an object")).collect());
    objects.transpose().map_err(D::Error::custom)
}

/// A field of which "left out" (`None`) and "`null`" (`Some(None)`) mean different things. For
/// `#[serde(deserialize_with)]` together with `default`.
pub(super) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(reader).map(Some)
}

/// A name that a device gives to something: text, or a whole number as many trackers write it.
#[derive(Debug)]
pub(super) struct Label(Arc<str>);

impl Label {
    /// The longest name we keep; longer ones are refused rather than cut, because two cut names could become one.
    const BYTES_MAX: usize = 128;

    /// The name; an empty one counts as left out.
    pub(super) fn checked(field: &'static str, label: Option<Self>) -> Result<Option<Arc<str>>, Reject> {
        match label {
            Some(Self(name)) if name.len() > Self::BYTES_MAX => Err(Reject::Malformed(format!(
                "field `{field}` has {} bytes; at most {} are allowed",
                name.len(),
                Self::BYTES_MAX
            ))),
            Some(Self(name)) if !name.is_empty() => Ok(Some(name)),
            _ => Ok(None),
        }
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct LabelVisitor;

        impl Visitor<'_> for LabelVisitor {
            type Value = Label;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Label, E> {
                Ok(Label(Arc::from(text)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Label, E> {
                Ok(Label(Arc::from(number.to_string())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Label, E> {
                Ok(Label(Arc::from(number.to_string())))
            }
        }

        reader.deserialize_any(LabelVisitor)
    }
}
