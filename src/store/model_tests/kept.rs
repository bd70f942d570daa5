//! Histories in which something was lost, doubled or left torn once, in their shortest forms.

use super::keeps;
use super::steps::{Choices, Entry, Part, Step, What};
use crate::store::disk::faults::Faults;
use Part::{Complete, Cost, End, Object, Start};
use What::{Close, Fail, Flush, Kill, KillAfter, LogOnThread, LosePower, Mend, PutFile, Recover};

fn open(seed: u64, compress: bool, mapped: bool) -> Step {
    Step(seed, What::Open(Choices { compress, mapped, max_file_size: 5000, journal_size: 1_000_000 }))
}

fn log(part: Part, number: u64, project: u64, length: usize) -> Step {
    Step(number, What::Log { session: 0, entry: Entry { part, number, project, length } })
}

fn turn(seed: u64, interval_is_over: bool) -> Step {
    Step(seed, What::Turn { session: 0, interval_is_over })
}

fn fail(seed: u64, no_space: u32, broken: u32, sync: u32) -> Step {
    Step(seed, Fail(Faults { no_space, broken, sync }))
}

#[test]
fn a_ring_that_is_synced_has_its_name_on_the_disk() {
    keeps(&[
        open(6687147487017796752, false, true),
        log(Start, 35, 0, 13),
        turn(5556991483610691415, true),
        Step(431770174890571143, LosePower),
    ]);
}

#[test]
fn notes_of_plain_files_are_on_the_disk_before_their_journal_goes() {
    keeps(&[
        open(15243696487109142303, true, true),
        log(Start, 2203, 0, 138),
        turn(18420508290318107165, true),
        Step(15548462036467124842, Kill),
        Step(11861940633466355148, Recover { compress: false }),
        Step(431770174890571143, LosePower),
    ]);
}

#[test]
fn what_a_killed_process_has_packed_is_synced_before_its_journal_goes() {
    keeps(&[
        open(14598507196331928211, true, false),
        log(Start, 506, 0, 6597),
        Step(17598774706956188180, KillAfter(28)),
        log(Cost, 6, 0, 1904),
        log(Start, 700, 2, 1561),
        turn(9354490861751229742, true),
        Step(9354490861751229742, Recover { compress: true }),
        Step(3491925486876433103, LosePower),
    ]);
}

#[test]
fn what_a_recovery_could_not_sync_is_written_again_by_the_next() {
    keeps(&[
        open(2823774693768384027, true, false),
        log(Complete, 1002, 0, 5),
        log(Start, 1005, 0, 2176),
        log(End, 904, 0, 78),
        log(Start, 1402, 0, 128),
        log(End, 602, 1, 124),
        turn(11447530052722409773, false),
        Step(9247982647699461692, Kill),
        fail(2068048533860973800, 20, 100, 100),
        Step(33055952000283659, Recover { compress: true }),
        Step(5525364222845201707, Mend),
        Step(10366019800078746831, Recover { compress: false }),
        Step(14585338290175139856, LosePower),
    ]);
}

#[test]
fn a_data_file_without_a_member_is_taken_away() {
    keeps(&[
        open(4407949865402053380, true, true),
        log(Object, 7, 0, 3919),
        log(Complete, 1501, 0, 120),
        Step(3677457969636299109, KillAfter(28)),
        Step(15703159579794618896, PutFile { number: 0, length: 5815 }),
        log(Complete, 2202, 2, 18),
        turn(8335845047373017816, true),
    ]);
}

#[test]
fn a_torn_end_that_could_not_be_cut_off_is_cut_off_later() {
    keeps(&[
        open(5801865143467290050, true, true),
        fail(7752188775748930116, 0, 300, 0),
        log(Complete, 501, 0, 16),
        Step(512503644357649157, Flush { session: 0, close: true }),
        log(Complete, 702, 0, 1123),
        turn(11460351524055163602, true),
        Step(3778834634786873854, Mend),
        Step(12, Flush { session: 0, close: true }),
        Step(13, Close { session: 0 }),
    ]);
}

#[test]
fn a_segment_that_could_not_be_begun_does_not_block_the_log() {
    keeps(&[
        open(17695153490869412073, false, true),
        log(Start, 1, 0, 26),
        log(Cost, 2, 0, 172),
        fail(12747274262525805714, 300, 300, 1000),
        turn(17119502146281272940, true),
        log(Cost, 703, 0, 6482),
        log(Object, 1101, 0, 39),
        Step(15553483308873436980, Mend),
        Step(7250786301906354015, Flush { session: 0, close: false }),
    ]);
}

#[test]
fn nothing_is_hidden_by_a_segment_that_could_not_be_begun() {
    keeps(&[
        fail(13735193370244084361, 0, 300, 0),
        open(607220690108781167, false, true),
        open(8425558772569837318, true, true),
        log(Cost, 28, 0, 2870),
        log(Complete, 3102, 0, 4174),
        log(Cost, 3104, 0, 193),
        log(Cost, 3105, 0, 193),
    ]);
}

#[test]
fn a_member_whose_header_is_torn_is_not_taken_for_another_journals() {
    keeps(&[
        open(6248053212757493545, true, true),
        log(Cost, 200, 0, 976),
        log(Cost, 2, 0, 5436),
        Step(
            3873162679085244702,
            LogOnThread { session: 0, entry: Entry { part: Complete, number: 4, project: 0, length: 882 } },
        ),
        log(Cost, 17, 0, 108),
        log(End, 1701, 0, 4623),
        log(Object, 1805, 0, 75),
        fail(14552663975033313185, 100, 100, 0),
        Step(17344398106584120327, Close { session: 0 }),
        Step(1465743218699965655, LosePower),
    ]);
}

#[test]
fn a_copy_of_what_is_damaged_is_never_without_its_reason() {
    keeps(&[
        open(1001281156218248017, true, false),
        log(Object, 1, 0, 130),
        log(Complete, 203, 0, 457),
        log(Complete, 204, 0, 192),
        turn(3876807181058155428, true),
        Step(13153811557954271109, LosePower),
        open(14494670383532897274, true, false),
        log(Complete, 1101, 0, 907),
        log(Complete, 11, 1, 226),
        turn(2731100877780489098, true),
        Step(9261822348135975286, KillAfter(20)),
        Step(18209789025370555335, Recover { compress: true }),
        Step(3381877798384948883, LosePower),
    ]);
}
