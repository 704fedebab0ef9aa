//! The dual report (双报告, K 4): every case goes to the local government and to the forestry and grassland authority, and is
//! reported only once both have accepted it.
//!
//! In: a case, what was known of its report, and who is told now.   Out: both halves, each with its body and how far it came.
//! Pure. A half that nobody receives is said to have no receiver: it is shown, so that somebody subscribes.

use journal::wire::{IncidentJson, ReportJson};
use model::{Authority, ReceiptState};

/// The halves, in the order in which the plan names them.
pub const DUTIES: [&str; 2] = ["local_government", "forestry_authority"];
/// Nobody is told of this case in this duty.
const NO_RECEIVER: &str = "no_receiver";

/// Both halves as they stand: what was delivered stays so; those `told` now are on their way.
pub fn reports(before: &[ReportJson], incident: &IncidentJson, told: &[&str]) -> Vec<ReportJson> {
    let report = |duty: &str| {
        let known = before.iter().find(|report| report.duty == duty).map(|report| report.state.as_str());
        let state = match known {
            Some(state) if state != NO_RECEIVER => state,
            _ if told.contains(&duty) => ReceiptState::Pending.as_str(),
            _ => NO_RECEIVER,
        };
        let enforces = Authority::parse(&incident.authority).unwrap_or(Authority::Township);
        let body = body(duty, enforces);
        let township = incident.township.clone().filter(|_| body == Authority::Township);
        ReportJson { duty: duty.to_owned(), body: body.as_str().to_owned(), township, state: state.to_owned() }
    };
    DUTIES.map(report).into()
}

/// What comes of a delivery in a duty: one receiver that took it is enough, and later messages do not undo that.
pub fn deliver(reports: &mut [ReportJson], duty: &str, state: ReceiptState) {
    let delivered = ReceiptState::Delivered.as_str();
    for report in reports.iter_mut().filter(|report| report.duty == duty && report.state != delivered) {
        state.as_str().clone_into(&mut report.state);
    }
}

/// Whether both halves took a case.
pub fn is_reported(reports: &[ReportJson]) -> bool {
    missing(reports).is_empty()
}

/// The halves that did not.
pub fn missing(reports: &[ReportJson]) -> Vec<&'static str> {
    let taken =
        |duty: &str| reports.iter().any(|half| half.duty == duty && half.state == ReceiptState::Delivered.as_str());
    DUTIES.into_iter().filter(|duty| !taken(duty)).collect()
}

/// Which body a half goes to: the township's government; and of the forestry side who enforces there, else the bureau.
pub fn body(duty: &str, enforces: Authority) -> Authority {
    match (duty, enforces) {
        ("local_government", _) => Authority::Township,
        (_, Authority::Township) => Authority::ForestryBureau,
        (_, enforces) => enforces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raise::tests::case;
    use model::{Case, Incident, IncidentStatus, Severity, TownshipCode};

    fn incident(authority: Authority) -> IncidentJson {
        let case = Case { authority, township: TownshipCode::parse("150425200").ok(), ..case() };
        let incident = Incident {
            case,
            status: IncidentStatus::Open,
            outcome: None,
            households: vec![],
            drill: false,
            earlier: vec![],
            timeline: vec![],
        };
        IncidentJson::new(&incident, Severity::Urgent)
    }

    fn words(reports: &[ReportJson]) -> Vec<String> {
        reports.iter().map(|report| format!("{} {} {}", report.duty, report.body, report.state)).collect()
    }

    #[test]
    fn a_case_names_both_halves_and_which_of_them_has_no_receiver() {
        let of = |authority, told: &[&str]| words(&reports(&[], &incident(authority), told));
        assert_eq!(
            of(Authority::Township, &["local_government"]),
            ["local_government township pending", "forestry_authority forestry_bureau no_receiver"]
        );
        assert_eq!(
            of(Authority::ReserveStation, &[]),
            ["local_government township no_receiver", "forestry_authority reserve_station no_receiver"]
        );
        assert_eq!(reports(&[], &incident(Authority::Township), &[])[0].township.as_deref(), Some("150425200"));
    }

    #[test]
    fn a_half_that_was_taken_stays_so_and_one_without_receiver_gets_one_when_somebody_is_told() {
        let incident = incident(Authority::Township);
        let mut halves = reports(&[], &incident, &["local_government"]);
        deliver(&mut halves, "local_government", ReceiptState::Dead);
        assert_eq!(halves[0].state, "dead");
        deliver(&mut halves, "local_government", ReceiptState::Delivered);
        deliver(&mut halves, "local_government", ReceiptState::Pending);
        let halves = reports(&halves, &incident, &DUTIES);
        assert_eq!((halves[0].state.as_str(), halves[1].state.as_str()), ("delivered", "pending"));
    }
}
