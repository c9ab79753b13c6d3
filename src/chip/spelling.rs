//! Small values in JSON: each as the word that people see of it, and read back from that word.

/// Serde for a type that has a `Display` and a parser; `what` ends the sentence "… is no".
macro_rules! spelled {
    ($type:ty, $parse:expr, $what:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                let parse: fn(&str) -> Option<$type> = $parse;
                parse(&text)
                    .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no {}", $what)))
            }
        }
    };
}

pub(crate) use spelled;
