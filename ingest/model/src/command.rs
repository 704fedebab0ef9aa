use crate::{IncidentId, Timestamp, ZoneId};

/// How a case turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 违规放牧
    Violation,
    /// 合法: there was a permit or a right.
    Lawful,
    /// 误报: there were no animals.
    FalsePositive,
    /// 查无实据
    Unfounded,
}

impl Outcome {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violation => "violation",
            Self::Lawful => "lawful",
            Self::FalsePositive => "false_positive",
            Self::Unfounded => "unfounded",
        }
    }

    /// `None` for a word that is no outcome.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Violation, Self::Lawful, Self::FalsePositive, Self::Unfounded]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// What an operator does to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Takes it.
    Acknowledge,
    /// Sends somebody.
    Dispatch {
        /// Whom.
        to: String,
    },
    /// Closes it.
    Resolve {
        /// How it turned out.
        outcome: Outcome,
    },
    /// Opens it again.
    Reopen,
    /// Writes something down.
    Comment {
        /// What.
        text: String,
    },
    /// Sends a delivery again that was given up.
    RetryDelivery {
        /// Which.
        delivery: String,
    },
    /// Opens a case that is none, to see who is told and what they do.
    Drill {
        /// Where.
        zone: ZoneId,
    },
    /// Sends a subscriber a message that says that it is one to try.
    TestSubscriber {
        /// Whom.
        subscriber: String,
    },
    /// Sends again whatever was given up.
    RetryDeliveries {
        /// Only what was for this subscriber.
        subscriber: Option<String>,
    },
    /// Writes down what became of a text message on its way to the phone, as its provider says.
    SmsReceipt {
        /// Which.
        delivery: String,
        /// Whether it is on the phone.
        arrived: bool,
        /// The provider's words for it.
        told: String,
    },
}

/// An operator's doing: an entry of the command log, an input like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The case; `None` for commands about something else.
    pub incident: Option<IncidentId>,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: Action,
}
