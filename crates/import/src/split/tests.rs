#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Reads no record at once, and takes those that are JSON.
struct Told<'a> {
    block: &'a [u8],
    records: Vec<Vec<u8>>,
    damages: Vec<(usize, &'static str)>,
}

impl Finder for Told<'_> {
    fn begin(&mut self, _: usize) -> Option<usize> {
        None
    }

    fn record(&mut self, range: Range<usize>) -> bool {
        let record = &self.block[range.clone()];
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(record).is_ok();
        if is_json {
            self.records.push(record.to_vec());
        } else {
            self.damage(range.start, "not a JSON record");
        }
        is_json
    }

    fn damage(&mut self, at: usize, what: &'static str) {
        self.damages.push((at, what));
    }
}

/// The records and damages of a stream that comes in blocks of `size` bytes.
fn split(stream: &[u8], size: usize) -> (Vec<Vec<u8>>, Vec<(usize, &'static str)>) {
    let (mut records, mut damages) = (Vec::new(), Vec::new());
    let mut splitter = Splitter::new();
    let (mut block, mut base) = (Vec::new(), 0);
    for chunk in stream.chunks(size) {
        block.extend_from_slice(chunk);
        let mut told = Told {
            block: &block,
            records: Vec::new(),
            damages: Vec::new(),
        };
        let keep = splitter.scan(&block, &mut told);
        let moved = told.damages.into_iter().map(|(at, what)| (base + at, what));
        damages.extend(moved);
        records.extend(told.records);
        block.drain(..keep);
        base += keep;
        assert!(block.len() <= IMPORTED_RECORD_BYTES_MAX + size);
    }
    damages.extend(splitter.finish().map(|what| (base, what)));
    (records, damages)
}

#[track_caller]
fn check(stream: &str, expected: &[&str], damages: &[(usize, &'static str)]) {
    for size in [1, 2, 3, 7, 64, 4096] {
        let (found, wrong) = split(stream.as_bytes(), size);
        let found: Vec<&str> = found
            .iter()
            .map(|it| std::str::from_utf8(it).unwrap())
            .collect();
        assert_eq!(found, expected, "in blocks of {size}");
        assert_eq!(wrong, damages, "in blocks of {size}");
    }
}

#[test]
fn all_forms() {
    let (a, b) = (r#"{"a":"[{\"\\"}"#, r#"{"b":[{"Records":[1]}]}"#);
    check(&format!(r#"{{"Records":[{a},{b}]}}"#), &[a, b], &[]);
    check(
        &format!("{{ \"Records\" : [ {a} ,\n {b} ] }}\n"),
        &[a, b],
        &[],
    );
    check(
        &format!(r#"{{"Events":[{a},{b}],"NextToken":"x{{"}}"#),
        &[a, b],
        &[],
    );
    check(
        &format!(r#"{{"more":{{"Records":[{a}]}},"Records":[{b}]}}"#),
        &[b],
        &[],
    );
    check(&format!("[{a},{b}]"), &[a, b], &[]);
    check(&format!("{a}\n{b}\r\n\n"), &[a, b], &[]);
    check(&format!("\u{feff}{a}{b}"), &[a, b], &[]);
    check(a, &[a], &[]);
    check(
        &format!(r#"{{"Records":[{a}]}}{{"Records":[{b}]}}[{a}]"#),
        &[a, b, a],
        &[],
    );
    check(r#"{"Records":[]}"#, &[], &[]);
    check("", &[], &[]);
}

#[test]
fn damage_costs_the_damaged_record_only() {
    // What closes where something else was meant to: the damaged record seems to go on to the list's end.
    let opened = r#"{"eventVersion":"1.08","x":"y"["#;
    let sound = r#"{"eventVersion":"1.08","x":"z"}"#;
    check(
        &format!(r#"{{"Records":[{sound},{opened},{sound},{sound}]}}"#),
        &[sound, sound, sound],
        &[(12 + 32, "not a JSON record")],
    );
    let good = r#"{"eventVersion":"1.08","x":"y"}"#;
    let cut = r#"{"eventVersion":"1.08","x":"y"#;
    let list = |records: &[&str]| format!(r#"{{"Records":[{}]}}"#, records.join(","));
    check(
        &list(&[good, cut, good]),
        &[good, good],
        &[(12 + 32, "not JSON")],
    );
    check(
        &list(&[cut, good, good]),
        &[good, good],
        &[(12, "not JSON")],
    );
    let bracket = r#"{"eventVersion":"1.08","x":[}"#;
    let what = "a bracket closes what another kind opened";
    check(&list(&[good, bracket, good]), &[good, good], &[(44, what)]);
    check(
        &list(&[good, "7", good]),
        &[good, good],
        &[(44, "an element of the list is no object")],
    );
    // Lines: each stands for itself, whatever it begins with.
    let other = r#"{"b":1}"#;
    check(
        &format!("{cut}\n{other}\n{good}\n"),
        &[other, good],
        &[(0, "not JSON")],
    );
    check(
        &format!("nonsense\n{other}\n"),
        &[other],
        &[(0, "not JSON")],
    );
    // Another log file behind the damage.
    let stream = format!("{}{}", list(&[cut]), list(&[other]));
    check(&stream, &[other], &[(12, "not JSON")]);
    // The learnt begin of records, not only AWS's.
    let (b, b_cut) = (r#"{ "b":1}"#, r#"{ "b":"#);
    check(&format!("[{b},{b_cut},{b}]"), &[b, b], &[(10, what)]);
}

#[test]
fn what_ends_early_is_told() {
    check(
        r#"{"Records":[{"a":1},{"a":"#,
        &[r#"{"a":1}"#],
        &[(20, "the file ends in a record")],
    );
    check(
        r#"{"Records":[{"a":1}"#,
        &[r#"{"a":1}"#],
        &[(19, "the file ends in the list of records")],
    );
    check(r#"{"a":1"#, &[], &[(0, "the file ends in a record")]);
}

#[test]
fn a_record_without_bound_is_left_out() {
    let long = format!(r#"{{"long":"{}"}}"#, "x".repeat(IMPORTED_RECORD_BYTES_MAX));
    let stream = format!(r#"[{{"a":1}},{long},{{"b":2}}]"#);
    let (found, damages) = split(stream.as_bytes(), 64 * 1024);
    let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(lengths, [7, 7]);
    assert_eq!(damages, [(9, "a record longer than any of CloudTrail's")]);
    // One that draws all others in is given up for them.
    let sound = r#"{"eventVersion":"1.08","x":"y"}"#;
    let many = vec![sound; IMPORTED_RECORD_BYTES_MAX / sound.len() + 9];
    let stream = format!(r#"[{sound},{{"eventVersion":["1.08"}},{}]"#, many.join(","));
    let stream = stream.replace(r#"["1.08"}"#, r#"["1.08""#);
    let (found, damages) = split(stream.as_bytes(), 64 * 1024);
    assert_eq!(found.len(), many.len() + 1);
    assert_eq!(damages, [(33, TOO_LONG)]);
    let deep = format!("[{}1{}]", r#"{"a":"#.repeat(1000), "}".repeat(1000));
    let (_, damages) = split(deep.as_bytes(), 64 * 1024);
    assert!(
        damages.iter().all(|(_, what)| *what == "nested too deeply"),
        "{damages:?}"
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|it| Value::from(f64::from(it) / 4.0)),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        r#"[\[\]{}",:\\]*"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn records() -> impl Strategy<Value = Vec<Value>> {
    let object = prop::collection::hash_map("[^RE].*", value(), 0..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    prop::collection::vec(object, 0..8)
}

proptest! {
    #[test]
    fn records_are_those_that_a_parser_sees(records in records(), form in 0..5, pretty: bool, size in 1_usize..200) {
        let text = |value: &Value| match pretty {
            true => serde_json::to_string_pretty(value).unwrap(),
            false => value.to_string(),
        };
        let stream = match form {
            0 => text(&json!({"Records": records})),
            1 => text(&json!({"Events": records, "NextToken": "t"})),
            2 => text(&json!(records)),
            3 => records.iter().map(|it| text(it) + "\n").collect(),
            _ => records.iter().map(|it| text(&json!({"Records": [it]}))).collect(),
        };
        let (found, damages) = split(stream.as_bytes(), size);
        let found: Vec<Value> = found.iter().map(|it| serde_json::from_slice(it).unwrap()).collect();
        prop_assert_eq!(damages, []);
        prop_assert_eq!(found, records);
    }

    #[test]
    fn no_bytes_make_it_panic_and_blocks_do_not_matter(
        bytes in prop::collection::vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(br#"{}[]",:\ea1 "#.to_vec()),
        ], 0..300),
        size in 1_usize..50,
    ) {
        prop_assert_eq!(split(&bytes, size), split(&bytes, 1000));
    }

    #[test]
    fn damage_leaves_the_others(at in 0_usize..400, byte: u8, size in 1_usize..300) {
        let record = |number: u32| format!(r#"{{"eventVersion":"1.08","number":{number},"more":{{"a":["b","c"]}}}}"#);
        let records: Vec<String> = (0..10).map(record).collect();
        let mut stream = format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes();
        let at = 12 + at % (stream.len() - 14);
        stream[at] = byte;
        let (found, _) = split(&stream, size);
        let lost = records.iter().filter(|it| !found.contains(&it.as_bytes().to_vec())).count();
        prop_assert!(lost <= 2, "{lost} lost by {byte:#x} at {at}");
    }
}
