//! Texts of a record's request or answer that may name a resource, with the members that hold them.

use std::borrow::Cow;

use super::{
    fields::Read,
    json::{Walk, Wrong},
};
use crate::event::resources::{ARN, DEPTH_MAX, RESOURCES_MAX, may_name};

/// What stands for a member that AWS hides.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Twice as many as are kept: not all of them are names in a record's service.
const TEXTS_MAX: usize = 2 * RESOURCES_MAX;

/// Members and their texts, in the record's order. Which of them are names depends on the service, which a record may tell
/// only further on.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Names<'a> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(member, text)| (&**member, &**text))
    }

    /// Reads the value under a member.
    fn walk(
        &mut self,
        walk: &mut Walk<'a>,
        member: Cow<'a, str>,
        depth: usize,
    ) -> Result<(), Wrong> {
        match walk.peek()? {
            b'"' => {
                let quoted = walk.quoted()?;
                // Long texts with escapes, such as policies, are mostly no names: they are not read.
                let begin = quoted.inner();
                let is_plain = !begin.bytes().take(ARN.len()).any(|byte| byte == b'\\');
                if self.0.len() == TEXTS_MAX || is_plain && !may_name(&member, begin) {
                    return Ok(());
                }
                let Some(text) = quoted.read() else {
                    return walk.wrong("the escapes before this place make no text");
                };
                if may_name(&member, &text) && text != HIDDEN {
                    self.0.push((member, text));
                }
                Ok(())
            }
            b'{' if depth <= DEPTH_MAX => walk.object(|walk| {
                let member = walk.name()?;
                self.walk(walk, member, depth + 1)
            }),
            b'[' if depth <= DEPTH_MAX => {
                let mut taken = 0;
                walk.list(|walk| {
                    taken += 1;
                    if taken <= RESOURCES_MAX {
                        self.walk(walk, member.clone(), depth + 1)
                    } else {
                        walk.value().map(drop)
                    }
                })
            }
            _ => walk.value().map(drop),
        }
    }
}

impl<'a> Read<'a> for Names<'a> {
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        let mut names = Self::default();
        names.walk(walk, Cow::Borrowed(""), 0)?;
        Ok(names)
    }
}
