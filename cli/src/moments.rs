//! Times and spans, as people write and read them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time: `90s`, `10m`, `7d`, `1h 30m`. A day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Duration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Age, String> {
        let wanted = || format!("{text:?} is no time; give such as 90s, 10m, 12h or 7d");
        let span: Span = text.trim().parse().map_err(|_| wanted())?;
        let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wanted())?;
        Duration::try_from(span).map(Age).map_err(|_| wanted())
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.0.is_zero() { "0 s".to_string() } else { span(self.0) };
        f.write_str([" 0 h", " 0 m", " 0 s"].iter().find_map(|none| text.strip_suffix(none)).unwrap_or(&text))
    }
}

/// `0.21 ms`, `35 ms`, `1.2 s`, `4 m 10 s`, `3 h 2 m`, `6 d 4 h`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    let whole = span.as_secs();
    match whole {
        _ if seconds < 0.000_999_5 => format!("{:.0} µs", seconds * 1e6),
        _ if seconds < 0.009_95 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 0.999_5 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{seconds:.0} s"),
        60..3600 => format!("{} m {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} m", whole / 3600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3600 % 24),
    }
}

/// How long ago a time was, roughly: `now`, `5 s ago`, `3 h ago`, `12 d ago`; a time to come is `now`.
pub fn ago(time: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(time).as_secs();
    match seconds {
        ..2 => "now".to_string(),
        2..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} m ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// The first moment of a UTC day, `YYYYMMDD`.
pub fn day(text: &str) -> Option<Timestamp> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let (year, month, day) = (part(0..4)?, i8::try_from(part(4..6)?).ok()?, i8::try_from(part(6..8)?).ok()?);
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

/// A moment: a day or a time of the machine's zone, a time with its own, or an age (`2h` is two hours ago).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub weave::record::time::Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let text = text.trim();
        let local = |time: DateTime| TimeZone::system().to_timestamp(time).ok();
        let age = || {
            let age = SignedDuration::try_from(text.parse::<Age>().ok()?.0).ok()?;
            Timestamp::now().checked_sub(age).ok()
        };
        let found = text.parse::<Timestamp>().ok().or_else(|| local(text.parse().ok()?)).or_else(age);
        let wanted =
            || format!("{text:?} is no time; give such as 2026-01-31, 2026-01-31T10:00 or 2h for two hours ago");
        let found = found.and_then(|time| weave::record::time::Timestamp::from_micros(time.as_microsecond()));
        found.map(Moment).ok_or_else(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("7d", 604_800), ("1h 30m", 5400), ("2 weeks", 1_209_600)] {
            assert_eq!(text.parse(), Ok(Age(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "soon", "-5m", "7"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_is_told_without_parts_that_are_nothing() {
        let told = ["7d", "90m", "2h", "26h", "1m", "0s"].map(|text| text.parse::<Age>().unwrap().to_string());
        assert_eq!(told, ["7 d", "1 h 30 m", "2 h", "1 d 2 h", "1 m", "0 s"]);
    }

    #[test]
    fn spans_are_shown_in_the_unit_that_fits() {
        let shown =
            [0.000_21, 0.0042, 0.035, 1.23, 42.0, 250.0, 10_920.0, 532_800.0].map(|s| span(Duration::from_secs_f64(s)));
        assert_eq!(shown, ["210 µs", "4.2 ms", "35 ms", "1.2 s", "42 s", "4 m 10 s", "3 h 2 m", "6 d 4 h"]);
    }

    #[test]
    fn a_moment_is_a_time_or_an_age() {
        let moment = |text: &str| text.parse::<Moment>().map(|moment| moment.0.micros());
        assert_eq!(moment("2026-01-31T10:00:00+01:00"), Ok(1_769_850_000_000_000));
        assert!(moment("2026-01-31").is_ok() && moment("2026-01-31T10:00").is_ok() && moment("2h").is_ok());
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn a_day_is_read_from_the_name_of_a_file() {
        assert_eq!(day("20260131").map(|day| day.to_string()).as_deref(), Some("2026-01-31T00:00:00Z"));
        assert_eq!(day("20260231"), None);
    }
}
