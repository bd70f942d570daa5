//! A file for each command, and what they share.

mod clean;
mod doctor;
mod export;
mod fsck;
mod ls;
mod pack;
mod rejected;
mod show;
mod status;
mod sync;
mod tail;
mod unpack;
mod verify;

use crate::arguments::{Arguments, Command, Common};
use crate::outcome::{Ending, Failure, Outcome};
use crate::terminal;
use clap::CommandFactory;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use weave::client::options::directory;
use weave::store::layout::{self, ProjectDir};
use weave::sync::{directory::choose, Environment, Stop};

/// Does what was asked for.
pub fn run(arguments: &Arguments) -> Outcome {
    let context = Context::new(&arguments.common)?;
    match &arguments.command {
        Command::Status(given) => status::run(&context, given),
        Command::Sync(given) => sync::run(&context, given),
        Command::Ls(given) => ls::run(&context, given),
        Command::Show(given) => show::run(&context, given),
        Command::Tail(given) => tail::run(&context, given),
        Command::Export(given) => export::run(&context, given),
        Command::Pack(given) => pack::run(&context, given),
        Command::Unpack(given) => unpack::run(&context, given),
        Command::Receipt(given) => unpack::receipt(&context, given),
        Command::Rejected(given) => rejected::run(&context, &given.action),
        Command::Verify(given) => verify::run(&context, given),
        Command::Clean(given) => clean::run(&context, given),
        Command::Fsck(given) => fsck::run(&context, given),
        Command::Doctor(given) => doctor::run(&context, &arguments.common, given),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Arguments::command(), "weave", &mut io::stdout());
            Ok(Ending::All)
        }
        Command::Manual { directory } => {
            clap_mangen::generate_to(Arguments::command(), directory)?;
            Ok(Ending::All)
        }
    }
}

/// What every command goes by.
pub struct Context {
    /// The offline directory.
    pub dir: PathBuf,
    /// The variables of this process.
    pub environment: Environment,
    /// Whether a program reads the answer.
    pub json: bool,
}

impl Context {
    fn new(common: &Common) -> Result<Context, Failure> {
        let environment = Environment::of_process();
        let given = common.offline_dir.clone();
        let given = given.or_else(|| environment.text("WEAVE_OFFLINE_DIR").map(PathBuf::from));
        Ok(Context { dir: directory(given, &environment)?, environment, json: common.json })
    }

    /// The projects that are meant: all, or these.
    pub fn projects(&self, wanted: &[String]) -> Result<Vec<ProjectDir>, Failure> {
        self.check_ours()?;
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        Ok(choose(layout::projects(&self.dir)?, &wanted)?)
    }

    /// Whether programs have logged to the directory.
    pub fn is_logged_to(&self) -> weave::Result<bool> {
        if self.dir.join(layout::LIBRARY_FOLDER).is_dir() {
            return Ok(true);
        }
        for project in layout::projects(&self.dir)? {
            if project.is_of_library()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Fails with what to do unless programs have logged to the directory, or may come to: it is empty. In somebody's own
    /// folder nothing is made, and nobody is told that all is well there.
    pub fn check_ours(&self) -> Result<(), Failure> {
        layout::check_exists(&self.dir)?;
        if self.is_logged_to()? || layout::entries(&self.dir)?.is_empty() {
            return Ok(());
        }
        let dir = self.dir.display();
        Err(Failure::nothing(format!(
            "{dir} is no offline directory: no program has logged to it; give another with -d"
        )))
    }

    /// A path as it is shown: within the offline directory.
    pub fn shown<'p>(&self, path: &'p Path) -> std::path::Display<'p> {
        path.strip_prefix(&self.dir).unwrap_or(path).display()
    }
}

/// Has Ctrl-C and the system's wish to end end the command at once and be told of: what it does may be cut short anywhere,
/// and its next run goes on from there.
pub fn end_on_signals() -> Result<(), Failure> {
    on_signals(|| {
        terminal::warn("stopped; the next run goes on from here");
        std::process::exit(Ending::Some as i32);
    })
}

/// Has Ctrl-C and the system's wish to end stop what is under way, so that it ends clean.
pub fn stop_on_signals(stop: &Stop) -> Result<(), Failure> {
    let stop = stop.clone();
    on_signals(move || stop.ask())
}

fn on_signals(act: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(act).map_err(|cause| Failure::nothing(format!("cannot listen to Ctrl-C: {cause}")))
}

/// Where results go.
pub fn out() -> impl Write {
    anstream::stdout().lock()
}
