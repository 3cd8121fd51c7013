//! Finds the records in a stream of JSON, each by its byte range, without parsing what is in them, unless who is told of a
//! record's begin reads it at once.
//!
//! Known forms, also one after the other in one stream: log files (`{"Records":[…]}`), LookupEvents' output (`{"Events":[…]}`),
//! a bare array, one record a line, a single record. Only brackets and texts are followed, in blocks of any size, so a file
//! of any size takes no more memory than its largest record. Whether a record is JSON is judged by who reads it; here
//! damage is what makes it impossible to tell where a record ends. Then the search goes on at the next text that begins as
//! records do in this stream.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem};
use pugmark_core::limits::IMPORTED_RECORD_BYTES_MAX;

/// Deepest nesting: the JSON reader's own bound.
const DEPTH_MAX: u32 = 127;
/// How records begin when none was seen yet: AWS writes this member first.
const USUAL_OPENING: &[u8] = br#"{"eventVersion""#;
/// Longest opening that is remembered.
const OPENING_BYTES_MAX: usize = 64;
const TOO_LONG: &str = "a record longer than any of CloudTrail's";
/// How a log file begins.
const LOG_FILE_OPENING: &[u8] = br#"{"Records""#;

/// Who is told what is found in a block.
pub(crate) trait Finder {
    /// A record may begin at this place. Who reads it at once tells how long it is; then it is not told of again.
    fn begin(&mut self, at: usize) -> Option<usize>;

    /// An object that is an element of a list of records, or stands alone. Tells whether it is JSON: in one that is not, records
    /// are searched that its damage has drawn in.
    fn record(&mut self, range: Range<usize>) -> bool;

    /// From this place on, until the next thing that is found, nothing could be read; and what is wrong.
    fn damage(&mut self, at: usize, what: &'static str);
}

/// Where in the stream the scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between top-level values.
    Top,
    /// Between the elements of a list.
    List,
    /// Within an object, or another element of a list.
    Value,
    /// Looking for the next record after damage.
    Lost,
}

/// The list whose elements are records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// None: records stand for themselves.
    None,
    /// A bare array.
    Array,
    /// `Records` or `Events` of an object.
    Member,
}

/// Scans a stream block by block.
#[derive(Debug)]
pub(crate) struct Splitter {
    state: State,
    container: Container,
    /// Open brackets of the value; bit 0 of `kinds` is the innermost: 1 an object, 0 an array.
    depth: u32,
    kinds: u128,
    in_text: bool,
    is_escaped: bool,
    /// Where the value begins, if it is kept.
    start: Option<usize>,
    /// Where the scan goes on in the next block.
    at: usize,
    /// How the first record of this stream began, up to the end of its first member's name.
    opening: Vec<u8>,
}

/// What a byte outside texts is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a number or a literal, a separator or space.
    Plain,
    Quote,
    Open,
    Close,
    /// Not in any JSON.
    Wrong,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Wrong; 256];
    let plain = b" \t\r\n,:+-.0123456789Eaeflnrstu";
    let mut at = 0;
    while at < plain.len() {
        classes[plain[at] as usize] = Class::Plain;
        at += 1;
    }
    classes[b'"' as usize] = Class::Quote;
    classes[b'{' as usize] = Class::Open;
    classes[b'[' as usize] = Class::Open;
    classes[b'}' as usize] = Class::Close;
    classes[b']' as usize] = Class::Close;
    classes
};

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Top,
            container: Container::None,
            depth: 0,
            kinds: 0,
            in_text: false,
            is_escaped: false,
            start: None,
            at: 0,
            opening: Vec::new(),
        }
    }

    /// Scans a block that begins with what the last call kept, and tells of all that is found in it. Returns from where on
    /// the block must be kept: the next one begins with these bytes, at most one record.
    pub(crate) fn scan(&mut self, block: &[u8], finder: &mut impl Finder) -> usize {
        loop {
            while self.at < block.len() {
                match self.state {
                    State::Top => self.scan_top(block, finder),
                    State::List => self.scan_list(block, finder),
                    State::Value => self.scan_value(block, finder),
                    State::Lost => {
                        if !self.find_opening(block) {
                            break;
                        }
                    }
                }
            }
            let (State::Value, Some(start)) = (self.state, self.start) else {
                break;
            };
            if block.len() - start <= IMPORTED_RECORD_BYTES_MAX {
                break;
            }
            if !self.is_given_up(block, start, finder) {
                // Its end can be found without keeping it.
                self.start = None;
                break;
            }
        }
        let keep = match self.state {
            State::Value => self.start.unwrap_or(block.len()),
            // An opening may be cut by the block's end.
            State::Lost => self.at,
            State::Top | State::List => block.len(),
        };
        self.at = block.len() - keep;
        self.start = self.start.map(|start| start - keep);
        if self.state == State::Lost {
            self.at = 0;
        }
        keep
    }

    /// Tells of what the stream's end, `kept` bytes behind the last block's begin, cuts off.
    pub(crate) fn finish(&self) -> Option<&'static str> {
        match (self.state, self.container) {
            (State::Top, _) | (State::Lost, _) => None,
            (State::Value, Container::None) if self.start.is_none() => {
                Some("the file ends in a value")
            }
            (State::Value, _) => Some("the file ends in a record"),
            (State::List, _) => Some("the file ends in the list of records"),
        }
    }

    fn scan_top(&mut self, block: &[u8], finder: &mut impl Finder) {
        match block[self.at] {
            b'{' => {
                let is_record = block[self.at..].starts_with(usual(&self.opening));
                if !(is_record && self.is_read(block, finder)) {
                    self.begin_value(Container::None);
                }
            }
            b'[' => {
                self.container = Container::Array;
                self.state = State::List;
                self.at += 1;
            }
            // Also what separates records in some people's files, and a byte order mark.
            b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e | 0xef | 0xbb | 0xbf => self.at += 1,
            _ => self.lose(self.at, "not JSON", finder),
        }
    }

    fn scan_list(&mut self, block: &[u8], finder: &mut impl Finder) {
        match block[self.at] {
            b'{' => {
                if !self.is_read(block, finder) {
                    self.begin_value(self.container);
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' => self.at += 1,
            b']' => {
                self.at += 1;
                if self.container == Container::Member {
                    // The rest of the object around the list.
                    (self.state, self.depth, self.kinds) = (State::Value, 1, 1);
                    self.start = None;
                } else {
                    self.state = State::Top;
                }
                self.container = Container::None;
            }
            _ => self.lose(self.at, "an element of the list is no object", finder),
        }
    }

    /// Offers what begins here to be read at once; passes it if it was.
    fn is_read(&mut self, block: &[u8], finder: &mut impl Finder) -> bool {
        let Some(length) = finder.begin(self.at) else {
            return false;
        };
        let start = self.at;
        self.at += length;
        self.learn_opening(&block[start..self.at]);
        true
    }

    fn begin_value(&mut self, container: Container) {
        self.state = State::Value;
        self.container = container;
        self.start = Some(self.at);
        (self.depth, self.kinds) = (0, 0);
        (self.in_text, self.is_escaped) = (false, false);
    }

    /// Follows brackets and texts to the value's end. This loop sees every byte of an import.
    fn scan_value(&mut self, block: &[u8], finder: &mut impl Finder) {
        let mut at = self.at;
        if self.is_escaped {
            self.is_escaped = false;
            at += 1;
        }
        if self.in_text {
            match self.text_end(block, at) {
                Some(end) => at = end,
                None => return,
            }
        }
        while at < block.len() {
            let byte = block[at];
            match CLASSES[usize::from(byte)] {
                Class::Plain => at += 1,
                Class::Quote => match self.text_end(block, at + 1) {
                    Some(end) => at = end,
                    None => return,
                },
                Class::Open => {
                    if byte == b'[' && self.is_list_of_records(block, at) {
                        self.container = Container::Member;
                        self.state = State::List;
                        self.start = None;
                        self.at = at + 1;
                        return;
                    }
                    if self.depth == DEPTH_MAX {
                        return self.lose(at, "nested too deeply", finder);
                    }
                    self.depth += 1;
                    self.kinds = self.kinds << 1 | u128::from(byte == b'{');
                    at += 1;
                }
                Class::Close => {
                    if self.kinds & 1 != u128::from(byte == b'}') {
                        return self.lose(at, "a bracket closes what another kind opened", finder);
                    }
                    self.kinds >>= 1;
                    self.depth -= 1;
                    at += 1;
                    if self.depth == 0 {
                        self.at = at;
                        return self.end_value(block, finder);
                    }
                }
                Class::Wrong => return self.lose(at, "not JSON", finder),
            }
        }
        self.at = at;
    }

    /// Where a text ends that goes on at `at`: behind its quote; none if that is in a later block.
    #[inline]
    fn text_end(&mut self, block: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let rest = block.get(at..).unwrap_or_default();
            match memchr2(b'"', b'\\', rest) {
                Some(length) if rest[length] == b'"' => {
                    self.in_text = false;
                    return Some(at + length + 1);
                }
                Some(length) => at += length + 2,
                None => {
                    self.in_text = true;
                    // A backslash was the block's last byte.
                    self.is_escaped = at > block.len();
                    self.at = block.len();
                    return None;
                }
            }
        }
    }

    fn end_value(&mut self, block: &[u8], finder: &mut impl Finder) {
        self.state = match self.container {
            Container::None => State::Top,
            Container::Array | Container::Member => State::List,
        };
        let Some(start) = self.start.take() else {
            return;
        };
        if self.at - start > IMPORTED_RECORD_BYTES_MAX {
            self.is_given_up(block, start, finder);
        } else if finder.record(start..self.at) {
            self.learn_opening(&block[start..self.at]);
        } else {
            self.search_from(start);
        }
    }

    /// Whether the `[` here begins the list of a log file or of LookupEvents' output.
    fn is_list_of_records(&self, block: &[u8], at: usize) -> bool {
        if self.depth != 1 || self.container != Container::None || self.kinds & 1 == 0 {
            return false;
        }
        let before = block[..at].trim_ascii_end();
        let Some(name) = before.strip_suffix(b":") else {
            return false;
        };
        let name = name.trim_ascii_end();
        let is = |member: &[u8]| {
            name.strip_suffix(member)
                .is_some_and(|before| !before.ends_with(b"\\"))
        };
        is(b"\"Records\"") || is(b"\"Events\"")
    }

    /// Gives the value up: its bytes are searched for the begin of the next one.
    fn lose(&mut self, at: usize, what: &'static str, finder: &mut impl Finder) {
        let start = self.start.unwrap_or(at);
        finder.damage(start, what);
        self.search_from(start);
    }

    /// Tells of a value that is too long for a record; gives it up if it may have drawn other records in, and says whether.
    fn is_given_up(&mut self, block: &[u8], start: usize, finder: &mut impl Finder) -> bool {
        finder.damage(start, TOO_LONG);
        let has_drawn_in = memmem::find(&block[start + 1..], usual(&self.opening)).is_some();
        if has_drawn_in {
            self.search_from(start);
        }
        has_drawn_in
    }

    /// Searches the next record in what begins here and is none.
    fn search_from(&mut self, start: usize) {
        self.start = None;
        self.state = State::Lost;
        // Not the same once more.
        self.at = start + 1;
    }

    fn learn_opening(&mut self, record: &[u8]) {
        if self.opening.is_empty() {
            self.opening = opening_of(record).to_vec();
        }
    }

    /// Goes on at the next thing that looks like the begin of a record; not found: at what may become one. Each byte is
    /// looked at once, however often the stream is damaged.
    fn find_opening(&mut self, block: &[u8]) -> bool {
        let opening = usual(&self.opening);
        let longest = opening.len().max(LOG_FILE_OPENING.len());
        while let Some(length) = memchr(b'{', &block[self.at..]) {
            let at = self.at + length;
            let rest = &block[at..];
            let is_at_line = at > 0 && block[at - 1] == b'\n';
            // Between lines nothing but a new value begins at a line's begin.
            let is_line = self.container == Container::None && is_at_line;
            let is_file = rest.starts_with(LOG_FILE_OPENING);
            if is_file || is_line || rest.starts_with(opening) {
                if is_file || is_line {
                    self.container = Container::None;
                }
                self.at = at;
                self.state = match self.container {
                    Container::None => State::Top,
                    Container::Array | Container::Member => State::List,
                };
                return true;
            }
            if rest.len() < longest {
                self.at = at - usize::from(is_at_line);
                return false;
            }
            self.at = at + 1;
        }
        // A line may begin with the next block.
        self.at = match block {
            [.., b'\n'] => self.at.max(block.len() - 1),
            _ => block.len(),
        };
        false
    }
}

/// How records of a stream begin: as the first one did, if there was one.
fn usual(opening: &[u8]) -> &[u8] {
    match opening {
        [] => USUAL_OPENING,
        known => known,
    }
}

/// A record's begin, up to the end of its first member's name: no value of one looks like it, unless it is a record.
fn opening_of(record: &[u8]) -> &[u8] {
    let name_end = memchr2(b'"', b'}', record)
        .and_then(|begin| Some(begin + 1 + memchr2(b'"', b'\\', record.get(begin + 1..)?)? + 1))
        .unwrap_or(0);
    match record.get(..name_end) {
        Some(opening) if name_end <= OPENING_BYTES_MAX => opening,
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
