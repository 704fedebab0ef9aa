use crate::AppendError;
use crate::conformance::frame;
use crate::sqlite::line::{Limits, Line};
use futures_util::FutureExt;

fn small() -> Line {
    Line::new(Limits { refuse_frames: 10, room_frames: 5, batch_frames: 4, ..Limits::STANDARD })
}

#[test]
fn a_full_line_refuses_instead_of_breaking_the_order() {
    let line = small();
    let answers: Vec<_> = (1..=10).map(|number| line.push(vec![frame("cam-1", number)]).unwrap()).collect();
    assert!(
        matches!(line.push(vec![frame("cam-1", 11)]), Err(AppendError::Busy { waiting_bytes }) if waiting_bytes > 0)
    );
    let taken = line.take().unwrap();
    assert_eq!(
        taken.groups.iter().flat_map(|waiting| waiting.frames.clone()).collect::<Vec<_>>(),
        [frame("cam-1", 1), frame("cam-1", 2), frame("cam-1", 3), frame("cam-1", 4)]
    );
    line.push(vec![frame("cam-1", 12)]).unwrap();
    drop(answers);
}

#[test]
fn frames_that_came_together_go_into_one_commit_even_beyond_its_size() {
    let line = small();
    let group: Vec<_> = (1..=6).map(|number| frame("cam-1", number)).collect();
    let answers = [line.push(group.clone()).unwrap(), line.push(group.clone()).unwrap()];
    for _ in answers {
        let taken = line.take().unwrap();
        assert_eq!(
            taken.groups.into_iter().map(|waiting| waiting.frames).collect::<Vec<_>>(),
            std::slice::from_ref(&group)
        );
    }
}

#[test]
fn a_line_is_bounded_in_bytes_too() {
    let line = Line::new(Limits { refuse_bytes: 200, ..Limits::STANDARD });
    let taken = (1..=100).take_while(|number| line.push(vec![frame("cam-1", *number)]).is_ok()).count();
    assert!((1..10).contains(&taken), "{taken}");
}

#[tokio::test]
async fn room_is_given_as_soon_as_little_enough_waits() {
    let line = small();
    let answers: Vec<_> = (1..=6).map(|number| line.push(vec![frame("cam-1", number)]).unwrap()).collect();
    let mut room = Box::pin(line.room());
    assert!(room.as_mut().now_or_never().is_none());
    line.take().unwrap();
    room.await;
    drop(answers);
}

#[tokio::test]
async fn a_failed_line_tells_everybody_and_holds_nobody_back() {
    let line = small();
    let answers: Vec<_> = (1..=6).map(|number| line.push(vec![frame("cam-1", number)]).unwrap()).collect();
    let broken = AppendError::Broken("the disk is gone".to_owned());
    line.fail(&broken);
    for answer in answers {
        assert_eq!(answer.await.unwrap(), Err(broken.clone()));
    }
    assert_eq!(line.push(vec![frame("cam-1", 7)]).unwrap_err(), broken);
    assert!(line.take().is_none());
    line.room().await;
}
