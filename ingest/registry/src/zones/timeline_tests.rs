use super::*;
use proptest::prelude::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Versions from 1: in force from, to, known from.
fn spans(list: &[(i64, Option<i64>, i64)]) -> Vec<Span> {
    let version = |(index, (from, to, known)): (usize, &(i64, Option<i64>, i64))| Span {
        version: index as u32 + 1,
        in_force: Period { from: at(*from), to: to.map(at) },
        known_from: at(*known),
        repealed: false,
    };
    list.iter().enumerate().map(version).collect()
}

fn known(spans: &[Span], to: i64) -> Vec<Span> {
    spans.iter().copied().filter(|span| span.known_from <= at(to)).collect()
}

#[test]
fn what_a_version_decides_is_its_interval_without_the_later_ones() {
    let spans = spans(&[(10, None, 10), (20, Some(30), 15), (40, None, 25), (0, None, 60)]);
    let period = |from, to: Option<i64>| Period { from: at(from), to: to.map(at) };
    let before = known(&spans, 59);
    assert_eq!(decided(&before, 1), (vec![period(10, Some(20)), period(30, Some(40))], None));
    assert_eq!(decided(&before, 2), (vec![period(20, Some(30))], None));
    assert_eq!(decided(&before, 3), (vec![period(40, None)], None));
    for version in 1..=3 {
        assert_eq!(decided(&spans, version), (vec![], Some(at(60))));
    }
    assert_eq!(deciders(&before, period(12, Some(35))).0.iter().map(|span| span.version).collect::<Vec<_>>(), [2, 1]);
    assert!(!deciders(&before, period(9, Some(12))).1);
}

fn versions() -> impl Strategy<Value = Vec<Span>> {
    let one = (0_i64..20, prop::option::of(1_i64..10), 0_i64..3);
    prop::collection::vec(one, 0..8).prop_map(|list| {
        let mut known = 0;
        let rows = list.into_iter().map(|(from, length, pause)| {
            known += pause;
            (from, length.map(|length| from + length), known)
        });
        spans(&rows.collect::<Vec<_>>())
    })
}

proptest! {
    #[test]
    fn intervals_are_what_looking_at_each_version_and_instant_finds(spans in versions(), k in 0_i64..20) {
        let spans = known(&spans, k);
        let mut by_hand = Vec::new();
        for t in -1..35 {
            let mut newest = None;
            for span in &spans {
                let from = span.in_force.from.as_millis();
                if from <= t && span.in_force.to.is_none_or(|to| t < to.as_millis()) {
                    newest = Some(span.version);
                }
            }
            by_hand.push((t, newest));
        }
        for span in &spans {
            let (pieces, known_to) = decided(&spans, span.version);
            for (t, newest) in &by_hand {
                let mine = pieces.iter().any(|piece| piece.holds(at(*t)));
                prop_assert_eq!(mine, *newest == Some(span.version), "version {} at {}", span.version, t);
            }
            prop_assert_eq!(known_to.is_some(), pieces.is_empty());
        }
        let whole = Period { from: at(3), to: Some(at(17)) };
        let (found, everywhere) = deciders(&spans, whole);
        let inside = || by_hand.iter().filter(|(t, _)| (3..17).contains(t));
        prop_assert_eq!(everywhere, inside().all(|(_, newest)| newest.is_some()));
        for span in &spans {
            let decides = inside().any(|(_, newest)| *newest == Some(span.version));
            prop_assert_eq!(found.iter().any(|other| other.version == span.version), decides);
        }
    }
}
