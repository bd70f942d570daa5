//! Points in time: microseconds since 1970 in UTC, read and written as the server reads and writes them
//! (protocol, section 4).

use crate::error::{Error, Result, Status};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time of the system's clock.
    #[inline]
    pub fn now() -> Self {
        // Without the library's 128 bits: this is read for every call.
        let micros = |time: Duration| {
            i64::try_from(time.as_secs())
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000_000)
                .saturating_add(i64::from(time.subsec_micros()))
        };
        Timestamp(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => micros(after),
            Err(before) => -micros(before.duration()),
        })
        .clamped()
    }

    /// A time given in microseconds; `None` outside the years -9999 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(|_| Timestamp(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970, 0 for a clock that stands before it.
    pub fn millis(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default() / 1000
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

/// The times of years with four digits, from March of the year 0 on.
const COMMON: std::ops::Range<i64> = -62_162_035_200_000_000..253_402_300_800_000_000;

impl Timestamp {
    /// The text of [`fmt::Display`] for a year of four digits, without the machinery of formatting: the packer writes
    /// three for every call.
    pub fn digits(self) -> Option<[u8; 27]> {
        if !COMMON.contains(&self.0) {
            return None;
        }
        let seconds = self.0.div_euclid(1_000_000);
        let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        // The civil calendar in eras of 400 years, whose years begin in March (H. Hinnant, "chrono-compatible low-level
        // date algorithms").
        let days = (day + 719_468) as u64;
        let (era, day) = (days / 146_097, (days % 146_097) as u32);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        let year = era as u32 * 400 + year + u32::from(month <= 2);
        let micros = self.0.rem_euclid(1_000_000) as u32;

        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let two = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        let parts = [
            (0, year / 100),
            (2, year),
            (5, month),
            (8, day),
            (11, second / 3600),
            (14, second / 60 % 60),
            (17, second % 60),
            (20, micros / 10_000),
            (22, micros / 100),
            (24, micros),
        ];
        for (at, number) in parts {
            if let Some(place) = text.get_mut(at..at + 2) {
                place.copy_from_slice(&two(number % 100));
            }
        }
        Some(text)
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

    #[test]
    fn the_digits_of_the_first_and_last_instant_are_those_of_the_calendar() {
        let digits = |micros| Timestamp::from_micros(micros).unwrap().digits();
        assert_eq!(digits(COMMON.start).as_ref(), Some(b"0000-03-01T00:00:00.000000Z"));
        assert_eq!(digits(COMMON.start - 1), None);
        assert_eq!(digits(253_402_207_199_999_999).as_ref(), Some(b"9999-12-30T21:59:59.999999Z"));
    }

    proptest! {
        #[test]
        fn the_digits_are_the_text(micros in COMMON.start..253_402_207_200_000_000i64, day in -719_468i64..2_932_800) {
            for micros in [micros, day * 86_400_000_000, day * 86_400_000_000 - 1] {
                let Some(time) = Timestamp::from_micros(micros).filter(|_| COMMON.contains(&micros)) else { continue };
                let digits = String::from_utf8(time.digits().unwrap().to_vec()).unwrap();
                prop_assert_eq!(digits, time.to_string());
            }
        }

        #[test]
        fn every_time_reads_back_as_written(micros in -62_135_596_800_000_000i64..253_402_207_200_000_000) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Timestamp::parse(&time.to_string(), "t").unwrap(), time);
        }
    }
}
