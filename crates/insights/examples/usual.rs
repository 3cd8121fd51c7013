//! Writes the state of a server that has seen ten days of one operation, a call every two minutes: for tests that cannot
//! wait for so long.
//!
//! `cargo run -p pugmark-insights --example usual -- DATA_DIR/insights/state ACCOUNT REGION SOURCE NAME [TRAIL_ARN]`; with a
//! trail it is an operation on data that the trail logs.

use anyhow::Context;
use jiff::Timestamp;
use pugmark_insights::{Analyzer, Call, Settings};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, account, region, source, name, trail @ ..] = &arguments[..] else {
        anyhow::bail!("usage: usual STATE_FILE ACCOUNT REGION SOURCE NAME [TRAIL_ARN]");
    };
    let (account, region) = (account.parse()?, region.parse()?);
    let now = Timestamp::now().as_second();
    let mut analyzer = Analyzer::new(Settings::default());
    for minute in (0..10 * 1440).rev() {
        let time = Timestamp::from_second(now - minute * 60)?;
        if minute % 2 == 0 {
            analyzer.observe_call(&Call {
                account,
                region: &region,
                source,
                name,
                time,
                write: true,
                error_code: None,
                identity_arn: Some("arn:aws:iam::123456789012:user/usual"),
                user_agent: Some("usual"),
                count: 1,
                trail: trail.first().map(String::as_str),
            });
        }
        analyzer.advance(time);
    }
    // A journal that begins at 0 comes after it.
    let mut bytes = 0_u64.to_le_bytes().to_vec();
    bytes.extend(analyzer.save());
    std::fs::write(path, bytes).with_context(|| format!("write {path}"))
}
