//! Pictures, raw or as the one file of a form.

use super::house::{House, problem};
use model::{Channel, ReadingKind};
use reqwest::Response;

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture \r\n--not-a-boundary\r\n";

fn part(head: &str, body: &[u8]) -> Vec<u8> {
    [b"--edge\r\ncontent-disposition: form-data; ", head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat()
}

async fn form(house: &House, parts: &[Vec<u8>]) -> Response {
    let body = [parts.concat(), b"--edge--\r\n".to_vec()].concat();
    let request = house.says("snapshot/s-1").header("content-type", "multipart/form-data; boundary=edge").body(body);
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_recorded_byte_for_byte_with_its_id_whichever_way_it_comes() {
    let house = House::start().await;
    let raw = house.says("snapshot/s-1").header("content-type", "image/jpeg").body(JPEG).send().await.unwrap();
    assert_eq!(raw.status().as_u16(), 202);
    let file = part("name=\"file\"; filename=\"a.jpg\"\r\ncontent-type: image/jpeg", JPEG);
    assert_eq!(form(&house, &[file]).await.status().as_u16(), 202);
    let entries = house.entries().await;
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry.frame.payload, JPEG);
        let Channel::Native { kind, detail } = entry.frame.channel else { panic!("not native") };
        assert_eq!((kind, &*detail), (ReadingKind::Snapshot, "s-1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_does_not_hold_exactly_one_file_is_refused() {
    let house = House::start().await;
    let file = part("name=\"a\"; filename=\"a.jpg\"", JPEG);
    for (parts, words) in [
        (vec![], "empty"),
        (vec![file.clone(), file.clone()], "several"),
        (vec![part("name=\"note\"", b"hello")], "`note`"),
    ] {
        let told = problem(form(&house, &parts).await, 400).await;
        assert!(told["detail"].as_str().unwrap().contains(words), "{told}");
    }
    // Cut in its middle: the form never ends.
    let cut = house.says("snapshot/s-1").header("content-type", "multipart/form-data; boundary=edge").body(file);
    problem(cut.send().await.unwrap(), 400).await;
    let unbounded = house.says("snapshot/s-1").header("content-type", "multipart/form-data").body("x");
    problem(unbounded.send().await.unwrap(), 400).await;
    assert_eq!((house.entries().await, house.refusals("malformed")), (vec![], 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_jpeg_or_has_no_proper_id_is_not_recorded() {
    let house = House::start().await;
    let jpeg = |rest: &str| house.says(rest).header("content-type", "image/jpeg");
    let told = problem(jpeg("snapshot/s-1").body("GIF89a").send().await.unwrap(), 400).await;
    assert_eq!(told["reason"], "not_jpeg");
    let told = problem(jpeg("snapshot/a%20b").body(JPEG).send().await.unwrap(), 400).await;
    assert_eq!(told["reason"], "bad_name");
    problem(jpeg("snapshot").body(JPEG).send().await.unwrap(), 404).await;
    assert_eq!(house.entries().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_exactly_four_mebibytes_is_taken_and_a_byte_more_is_not() {
    const LIMIT: usize = 4 << 20;
    let house = House::start().await;
    let mut picture = vec![7; LIMIT];
    picture[..3].copy_from_slice(&JPEG[..3]);
    let raw = house.says("snapshot/s-1").header("content-type", "image/jpeg").body(picture.clone());
    assert_eq!(raw.send().await.unwrap().status().as_u16(), 202);
    let head = "name=\"a\"; filename=\"a\"";
    assert_eq!(form(&house, &[part(head, &picture)]).await.status().as_u16(), 202);
    picture.push(7);
    problem(form(&house, &[part(head, &picture)]).await, 413).await;
    assert_eq!(house.entries().await.len(), 2);
}
