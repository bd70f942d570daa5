//! What two machines tell each other of the records of a project (see `carry`).

use super::{noted, path_of, Line, OfFile};
use crate::error::Result;
use crate::store::layout::{Access, ProjectDir};
use crate::sync::kept::lines::Appender;
use crate::sync::kept::ranges::Ranges;
use std::collections::{BTreeMap, HashMap};

/// What is known of the records of a data file.
#[derive(Debug, Default, Clone)]
pub struct Known {
    /// What is acknowledged, by the destination; under an empty name what no destination is known of.
    pub by: BTreeMap<String, Ranges>,
    /// What a sync may have sent without hearing of it.
    pub sending: Ranges,
}

impl Known {
    /// All that is acknowledged.
    pub fn acknowledged(&self) -> Ranges {
        let mut all = Ranges::default();
        self.by.values().for_each(|records| all.insert_all(records));
        all
    }

    /// Takes out what is beyond so many records.
    pub fn cut(&mut self, records: u64) {
        let beyond = Ranges::from(vec![(records, u64::MAX)]);
        self.by.values_mut().chain([&mut self.sending]).for_each(|of| of.remove_all(&beyond));
        self.by.retain(|_, of| !of.is_empty());
    }
}

/// What is known of each data file of a project, to be told to another machine. Nothing is changed.
pub fn known(project: &ProjectDir) -> Result<HashMap<String, Known>> {
    let files = noted(&path_of(project))?.into_iter().map(|(name, of_file)| {
        let OfFile { mut by, mut sending, .. } = of_file.clone();
        sending.remove_all(&of_file.acknowledged);
        let unknown = of_file.unattributed();
        if !unknown.is_empty() {
            by.insert(String::new(), unknown);
        }
        (name, Known { by, sending })
    });
    Ok(files.collect())
}

/// Notes what another machine tells of files, and that it has records of them too (`carried`); on the disk when this
/// returns. What it acknowledged at one destination stands in one line: see [`Progress::acknowledge`]. The files need
/// not be there yet: until they are, nobody may open the progress.
pub fn take_over(
    project: &ProjectDir,
    told: &BTreeMap<String, Known>,
    carried: &BTreeMap<String, Ranges>,
    access: Access,
) -> Result<()> {
    let here = noted(&path_of(project))?;
    let (mut by, mut notes): (BTreeMap<&str, Vec<Line>>, Vec<Line>) = Default::default();
    for (file, known) in told {
        for (to, records) in known.by.iter().filter(|(_, records)| !records.is_empty()) {
            let line = Line { file: file.clone(), records: Some(records.clone()), ..Line::default() };
            by.entry(to).or_default().push(line);
        }
        if !known.sending.is_empty() {
            let mut sending = here.get(file).map(|here| here.sending.clone()).unwrap_or_default();
            sending.insert_all(&known.sending);
            notes.push(Line { file: file.clone(), sending: Some(sending), ..Line::default() });
        }
    }
    for (file, records) in carried {
        notes.push(Line { file: file.clone(), carried: Some(records.clone()), ..Line::default() });
    }
    let mut text = Vec::new();
    notes.iter().for_each(|line| line.push_to(&mut text));
    for (to, lines) in by {
        // Behind this line, also for what is known of no destination: `to` holds for all that follows.
        Line { to: Some(to.to_string()), ..Line::default() }.push_to(&mut text);
        let mut lines = lines.into_iter();
        let first = lines.next().unwrap_or_default();
        Line { and: lines.collect(), ..first }.push_to(&mut text);
    }
    match text.is_empty() {
        true => Ok(()),
        false => Appender::new(path_of(project), access).append(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::kept::progress::tests::{project, ranges, FILE};
    use crate::sync::kept::progress::{Progress, Settled};
    use std::time::Duration;

    #[test]
    fn what_another_machine_has_too_is_in_doubt_until_it_is_acknowledged() {
        let (_root, project) = project();
        let open = || Progress::open(&project, Access::Owner).unwrap();
        let carried = BTreeMap::from([(FILE.to_string(), ranges(&[(0, 9)]))]);
        take_over(&project, &BTreeMap::new(), &carried, Access::Owner).unwrap();
        let mut first = open();
        let answer = Duration::from_secs(30);
        assert_eq!(first.wait_for_doubts(answer, answer), Duration::ZERO, "nothing is under way from here");
        first.acknowledge(&BTreeMap::from([(FILE, ranges(&[(0, 3)]))])).unwrap();
        let (acknowledged, left) = (&ranges(&[(0, 3)]), Ranges::default());
        first.settle([Settled { file: FILE, acknowledged, left, over: None }]).unwrap();
        assert_eq!(open().in_doubt(FILE), ranges(&[(4, 9)]), "a run that tried all of it does not settle it");
        assert_eq!(open().in_doubt(FILE), ranges(&[(4, 9)]), "also after the log was written anew");
    }

    #[test]
    fn what_another_machine_tells_is_known_with_its_destinations() {
        let (_root, project) = project();
        let by = BTreeMap::from([(String::new(), ranges(&[(9, 9)])), ("http://x team/a".into(), ranges(&[(0, 3)]))]);
        let told = BTreeMap::from([(FILE.to_string(), Known { by, sending: ranges(&[(4, 5)]) })]);
        for _ in 0..2 {
            take_over(&project, &told, &BTreeMap::new(), Access::Owner).unwrap();
            let known = known(&project).unwrap().remove(FILE).unwrap();
            assert_eq!((&known.by, &known.sending), (&told[FILE].by, &ranges(&[(4, 5)])));
        }
        let mut progress = Progress::open(&project, Access::Owner).unwrap();
        progress.send_to("http://y team/a").unwrap();
        assert_eq!(progress.elsewhere(FILE), ranges(&[(0, 3)]));
        assert_eq!(progress.acknowledged(FILE), ranges(&[(0, 3), (9, 9)]));
    }
}
