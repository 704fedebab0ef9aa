//! A GSM modem of one's own, for when the internet is down: a file in the folder that smstools' daemon sends from.
//!
//! In: a phone and a text.   Out: the file (format of smstools 3: headers, an empty line, the text in UCS-2).   Never: half a file seen by
//! the daemon, which passes over names that end in `.LOCK`; nor the same message twice: its name is the delivery's.

use super::{BadSms, Taken};
use std::fs;
use std::path::{Path, PathBuf};

/// Where smstools keeps what it has dealt with, beside `outgoing`.
const DONE: [&str; 2] = ["sent", "checked"];
const FAILED: &str = "failed";

/// The folder that the daemon sends from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    outgoing: PathBuf,
}

impl Spool {
    /// Checks that the folder can be written.
    pub fn open(outgoing: &Path) -> Result<Self, BadSms> {
        let probe = outgoing.join("steppewatch.LOCK");
        let wrong = |source| BadSms::Spool { folder: outgoing.display().to_string(), source };
        fs::write(&probe, b"").map_err(wrong)?;
        fs::remove_file(&probe).map_err(wrong)?;
        Ok(Self { outgoing: outgoing.to_owned() })
    }

    /// Where the daemon puts what phones write back.
    pub(super) fn incoming(&self) -> PathBuf {
        self.outgoing.with_file_name("incoming")
    }

    pub(super) fn send(&self, phone: &str, text: &str, id: &str) -> Taken {
        let (hidden, file) = (self.outgoing.join(format!("{id}.LOCK")), self.outgoing.join(id));
        let mut content = format!("To: {}\nAlphabet: UCS2\n\n", phone.trim_start_matches('+')).into_bytes();
        content.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        match fs::write(&hidden, content).and_then(|()| fs::rename(&hidden, &file)) {
            Ok(()) => Taken::Yes("handed to the modem's spool".to_owned()),
            Err(error) => Taken::No { reason: format!("modem's spool: {error}"), for_good: false },
        }
    }

    pub(super) fn receipt(&self, id: &str) -> Taken {
        let beside = |folder: &str| self.outgoing.with_file_name(folder).join(id);
        if self.outgoing.join(id).exists() || DONE.iter().any(|folder| beside(folder).exists()) {
            return Taken::Yes("taken by the modem's spool before".to_owned());
        }
        let failed = beside(FAILED).exists();
        Taken::No { reason: if failed { "the modem failed".to_owned() } else { String::new() }, for_good: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_file_whole_or_not_there_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let outgoing = folder.path().join("outgoing");
        assert!(Spool::open(&outgoing).unwrap_err().to_string().contains("smstools"));
        fs::create_dir_all(&outgoing).unwrap();
        let spool = Spool::open(&outgoing).unwrap();
        assert_eq!(spool.incoming(), folder.path().join("incoming"), "what phones write back stands beside it");
        assert!(matches!(spool.receipt("msg_1"), Taken::No { .. }));
        assert!(matches!(spool.send("+8613900000000", "草A", "msg_1"), Taken::Yes(_)));
        let content = fs::read(outgoing.join("msg_1")).unwrap();
        assert_eq!(content, b"To: 8613900000000\nAlphabet: UCS2\n\n\x83\x49\x00A");
        assert_eq!(fs::read_dir(&outgoing).unwrap().count(), 1, "nothing hidden is left");
        assert!(matches!(spool.receipt("msg_1"), Taken::Yes(_)));
        fs::create_dir(folder.path().join("sent")).unwrap();
        fs::rename(outgoing.join("msg_1"), folder.path().join("sent/msg_1")).unwrap();
        assert!(matches!(spool.receipt("msg_1"), Taken::Yes(_)), "sent is taken too");
    }
}
