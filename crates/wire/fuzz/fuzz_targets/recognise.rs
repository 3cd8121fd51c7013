//! A whole request from bytes: it is recognised or not, and what is recognised is projected, without a panic.
//!
//! Input: a line `<signing name or -> <method> <target>`, header lines `name: value`, an empty line, the body.

#![no_main]

use http::{HeaderName, HeaderValue, Request, request::Parts};
use libfuzzer_sys::fuzz_target;
use pugmark_wire::{project, recognize::recognize};

fn parse(data: &[u8]) -> Option<(Option<&str>, Parts, &[u8])> {
    let end = data.windows(2).position(|pair| pair == b"\n\n")?;
    let mut lines = std::str::from_utf8(&data[..end]).ok()?.lines();
    let mut first = lines.next()?.splitn(3, ' ');
    let signing_name = first.next().filter(|name| *name != "-");
    let request = Request::builder().method(first.next()?).uri(first.next()?);
    let mut parts = request.body(()).ok()?.into_parts().0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            parts.headers.append(name, value);
        }
    }
    Some((signing_name, parts, &data[end + 2..]))
}

fuzz_target!(|data: &[u8]| {
    let Some((signing_name, parts, body)) = parse(data) else { return };
    if let Some(call) = recognize(&parts, body, signing_name) {
        assert!(call.service.operation(call.operation.name()).is_some());
        let _ = project::request(&call, &parts, body);
    }
});
