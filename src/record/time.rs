//! Points in time: microseconds since 1970 in UTC, read and written as the server reads and writes them
//! (protocol, section 4).

use crate::error::{Error, Result, Status};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time of the system's clock.
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()),
            Err(before) => i64::try_from(before.duration().as_micros()).map(|m| -m),
        };
        Timestamp(micros.unwrap_or(i64::MAX)).clamped()
    }

    /// A time given in microseconds; `None` outside the years -9999 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(|_| Timestamp(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Reads ISO 8601: `T` or a space, an offset or `Z`, UTC when there is neither; a date alone is its first instant.
    /// More than six fraction digits are cut, as the server cuts them.
    pub fn parse(text: &str, field: &str) -> Result<Self> {
        let zoned = || text.parse::<jiff::Timestamp>().ok();
        let local = || text.parse::<DateTime>().ok().filter(|_| !text.ends_with(['Z', 'z']));
        let day = || text.parse::<Date>().ok().map(|d| d.at(0, 0, 0, 0));
        let found = zoned().or_else(|| {
            local().or_else(day).and_then(|d| d.to_zoned_datetime(TimeZone::UTC).ok()).map(|z| z.timestamp())
        });
        found.map(|t| Timestamp(t.as_microsecond())).ok_or_else(|| {
            Error::new(
                Status::InvalidArgument,
                format!("{field}: \"{text}\" is not a time; write it as 2026-01-31T12:00:00.000000Z"),
            )
        })
    }

    /// The UTC date as `YYYYMMDD`, as it stands in the names of data files.
    pub fn date_digits(self) -> String {
        let date = self.inner().to_zoned_datetime(TimeZone::UTC).date();
        format!("{:04}{:02}{:02}", date.year().max(0), date.month(), date.day())
    }

    fn clamped(self) -> Self {
        Timestamp(self.0.clamp(jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond()))
    }

    fn inner(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`: always six digits, because `started_at` must stay the same to the microsecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        Timestamp::parse(text, "started_at").unwrap().to_string()
    }

    #[test]
    fn a_time_without_a_zone_is_utc() {
        assert_eq!(read("2026-01-31T12:00:00"), "2026-01-31T12:00:00.000000Z");
        assert_eq!(read("2026-01-31 12:00:00.5"), "2026-01-31T12:00:00.500000Z");
        assert_eq!(read("2026-01-31"), "2026-01-31T00:00:00.000000Z");
    }

    #[test]
    fn an_offset_is_taken_into_account() {
        assert_eq!(read("2026-01-31T12:00:00+02:00"), "2026-01-31T10:00:00.000000Z");
        assert_eq!(read("2026-01-31T12:00:00Z"), "2026-01-31T12:00:00.000000Z");
    }

    #[test]
    fn fractions_beyond_microseconds_are_cut() {
        assert_eq!(read("2026-01-31T12:00:00.123456999Z"), "2026-01-31T12:00:00.123456Z");
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_name_of_the_field() {
        let error = Timestamp::parse("yesterday", "ended_at").unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert!(error.text().starts_with("ended_at"), "{error}");
    }

    #[test]
    fn a_date_has_eight_digits() {
        assert_eq!(Timestamp::from_micros(0).unwrap().date_digits(), "19700101");
    }

    proptest! {
        #[test]
        fn every_time_reads_back_as_written(micros in -62_135_596_800_000_000i64..253_402_207_200_000_000) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Timestamp::parse(&time.to_string(), "t").unwrap(), time);
        }
    }
}
