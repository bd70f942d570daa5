//! The kinds of records, and the folder in which each is stored.

/// The type of one line: the API request that its `data` stands for (protocol, section 6), or a note about the project.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// A call that began; its end is another record.
    CallStart = 1,
    /// The end of a call that began in another record.
    CallEnd = 2,
    /// A finished call in one record.
    CallComplete = 3,
    /// A new display name for a call.
    CallUpdate = 4,
    /// An op: an object that names the file with its source.
    OpCreate = 5,
    /// An object.
    ObjCreate = 6,
    /// A table: rows, addressed by digest.
    TableCreate = 7,
    /// A file; its bytes lie beside the data files, under their digest.
    FileCreate = 8,
    /// Feedback on a call or an object.
    FeedbackCreate = 9,
    /// Prices of a model.
    CostCreate = 10,
    /// Who writes here: format version, library, process. The first line of each writer.
    Writer = 11,
    /// The project's record: its names, and whether its entity is known.
    Project = 12,
}

/// A folder of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Calls, their parts and updates.
    Calls,
    /// Ops.
    Ops,
    /// Objects.
    Objects,
    /// Tables.
    Tables,
    /// Feedback.
    Feedback,
    /// Files: their records, and their bytes.
    Files,
    /// Writers, the project's record, costs.
    Metadata,
}

impl RecordType {
    /// Every type, in the order of its number.
    pub const ALL: [RecordType; 12] = [
        RecordType::CallStart,
        RecordType::CallEnd,
        RecordType::CallComplete,
        RecordType::CallUpdate,
        RecordType::OpCreate,
        RecordType::ObjCreate,
        RecordType::TableCreate,
        RecordType::FileCreate,
        RecordType::FeedbackCreate,
        RecordType::CostCreate,
        RecordType::Writer,
        RecordType::Project,
    ];

    /// The text of `type` in a line.
    pub fn name(self) -> &'static str {
        match self {
            RecordType::CallStart => "call_start",
            RecordType::CallEnd => "call_end",
            RecordType::CallComplete => "call_complete",
            RecordType::CallUpdate => "call_update",
            RecordType::OpCreate => "op_create",
            RecordType::ObjCreate => "obj_create",
            RecordType::TableCreate => "table_create",
            RecordType::FileCreate => "file_create",
            RecordType::FeedbackCreate => "feedback_create",
            RecordType::CostCreate => "cost_create",
            RecordType::Writer => "writer",
            RecordType::Project => "project",
        }
    }

    /// The type that a line names; `None` for a type that this version does not know.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The type with this number in the journal.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| *t as u8 == number)
    }

    /// Whether a start, an end or both in one.
    pub fn is_part_of_call(self) -> bool {
        matches!(self, RecordType::CallStart | RecordType::CallEnd | RecordType::CallComplete)
    }

    /// Whether the store writes it about itself.
    pub fn is_of_the_store(self) -> bool {
        matches!(self, RecordType::Writer | RecordType::Project)
    }

    /// The folder in which records of this type are stored.
    pub fn kind(self) -> Kind {
        match self {
            RecordType::CallStart | RecordType::CallEnd | RecordType::CallComplete | RecordType::CallUpdate => {
                Kind::Calls
            }
            RecordType::OpCreate => Kind::Ops,
            RecordType::ObjCreate => Kind::Objects,
            RecordType::TableCreate => Kind::Tables,
            RecordType::FileCreate => Kind::Files,
            RecordType::FeedbackCreate => Kind::Feedback,
            RecordType::CostCreate | RecordType::Writer | RecordType::Project => Kind::Metadata,
        }
    }
}

impl Kind {
    /// Every folder of a project.
    pub const ALL: [Kind; 7] =
        [Kind::Calls, Kind::Ops, Kind::Objects, Kind::Tables, Kind::Feedback, Kind::Files, Kind::Metadata];

    /// Its place in an order in which nothing refers to what comes later (protocol, section 15).
    pub fn rank(self) -> u8 {
        match self {
            Kind::Files => 0,
            Kind::Tables => 1,
            Kind::Ops => 2,
            Kind::Objects => 3,
            Kind::Calls => 4,
            Kind::Feedback => 5,
            Kind::Metadata => 6,
        }
    }

    /// The name of the folder.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Calls => "calls",
            Kind::Ops => "ops",
            Kind::Objects => "objects",
            Kind::Tables => "tables",
            Kind::Feedback => "feedback",
            Kind::Files => "files",
            Kind::Metadata => "metadata",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_by_its_number() {
        for t in RecordType::ALL {
            assert_eq!(RecordType::from_name(t.name()), Some(t));
            assert_eq!(RecordType::from_number(t as u8), Some(t));
        }
        assert_eq!(RecordType::from_name("call"), None);
        assert_eq!(RecordType::from_number(0), None);
    }
}
