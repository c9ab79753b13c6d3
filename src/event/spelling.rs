//! How values of other crates, and those that take more than one field, are written in JSON and read
//! back: modules for serde's `with`.

/// RFC 3339 in UTC, with milliseconds.
pub mod time {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(
        at: &jiff::Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<jiff::Timestamp, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// The same or null.
pub mod some_time {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(
        at: &Option<jiff::Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::time::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<jiff::Timestamp>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}

/// Seconds, to the millisecond.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(took.as_millis() as f64 / 1000.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        from(f64::deserialize(deserializer)?)
    }

    pub(super) fn from<E: de::Error>(seconds: f64) -> Result<Duration, E> {
        let milliseconds = (seconds * 1000.0).round() / 1000.0;
        Duration::try_from_secs_f64(milliseconds).map_err(E::custom)
    }
}

/// The same or null.
pub mod some_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        took: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match took {
            Some(took) => super::seconds::serialize(took, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(deserializer)?
            .map(super::seconds::from)
            .transpose()
    }
}

/// Seconds, to the microsecond.
pub mod fine_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(took.as_micros() as f64 / 1e6)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let took = Duration::try_from_secs_f64((seconds * 1e6).round() / 1e6);
        // a float's neighbour of the microsecond is that microsecond
        took.map(|took| Duration::from_micros((took.as_nanos() as f64 / 1000.0).round() as u64))
            .map_err(de::Error::custom)
    }
}

/// A number, or null for what is none: JSON has no NaN.
pub mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

/// A unit that is there, as [`mod@unit`] writes it: `mac` or `serial` is null.
pub mod one_unit {
    use serde::{Deserializer, Serializer, de};

    use crate::event::Unit;

    pub fn serialize<S: Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
        super::unit::serialize(&Some(unit.clone()), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Unit, D::Error> {
        super::unit::deserialize(deserializer)?
            .ok_or_else(|| de::Error::custom("neither mac nor serial"))
    }
}

/// A unit as two fields, `mac` and `serial`: one of them or both are null.
pub mod unit {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::chip::Mac;
    use crate::event::{Serial, Unit};

    #[derive(Serialize, Deserialize)]
    struct Fields {
        mac: Option<Mac>,
        serial: Option<Serial>,
    }

    pub fn serialize<S: Serializer>(unit: &Option<Unit>, serializer: S) -> Result<S::Ok, S::Error> {
        Fields {
            mac: unit.as_ref().and_then(Unit::mac),
            serial: match unit {
                Some(Unit::Serial(serial)) => Some(serial.clone()),
                Some(Unit::Mac(_)) | None => None,
            },
        }
        .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Unit>, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let serial = fields.serial.map(Unit::Serial);
        Ok(fields.mac.map(Unit::Mac).or(serial))
    }
}
