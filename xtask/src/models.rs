//! Condenses botocore's service models into the table that ships in the binary.
//!
//! The format is described and read in `crates/wire/src/catalogue.rs`. The same models give the same bytes.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

/// The release whose models are committed.
const BOTOCORE: &str = "1.43.11";
/// Operations of Pugmark's own, in the form in which botocore takes additions to its models.
const OWN: &str = "docs/api/botocore";
const OUTPUT: &str = "crates/wire/data/catalogue.bin";
const MAGIC: &[u8; 4] = b"PMSC";
const VERSION: u8 = 3;
const ZSTD_LEVEL: i32 = 19;

/// Writes the table, or with `check` compares it with the committed one.
pub(crate) fn run(botocore_dir: Option<PathBuf>, check: bool) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let data = match botocore_dir {
        Some(dir) => dir.join("data"),
        None => download(temporary.path())?,
    };
    let table = condense(&data)?;
    if check {
        let committed = std::fs::read(OUTPUT).with_context(|| format!("read {OUTPUT}"))?;
        if committed != table {
            bail!(
                "{OUTPUT} is not what botocore {BOTOCORE} gives: run `cargo xtask models` and commit the result"
            );
        }
        println!("{OUTPUT} is up to date");
        return Ok(());
    }
    std::fs::create_dir_all(Path::new(OUTPUT).parent().context("output folder")?)?;
    std::fs::write(OUTPUT, &table)?;
    println!("{OUTPUT}: {} bytes", table.len());
    Ok(())
}

fn download(into: &Path) -> anyhow::Result<PathBuf> {
    let run = |program: &str, arguments: &[&str]| -> anyhow::Result<()> {
        let status = Command::new(program)
            .args(arguments)
            .current_dir(into)
            .status()?;
        if !status.success() {
            bail!("{program} {} failed", arguments.join(" "));
        }
        Ok(())
    };
    let requirement = format!("botocore=={BOTOCORE}");
    run(
        "python3",
        &[
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            &requirement,
        ],
    )?;
    let wheel = format!("botocore-{BOTOCORE}-py3-none-any.whl");
    run("python3", &["-m", "zipfile", "-e", &wheel, "."])?;
    Ok(into.join("botocore/data"))
}

fn condense(data: &Path) -> anyhow::Result<Vec<u8>> {
    let mut services: Vec<PathBuf> = std::fs::read_dir(data)
        .with_context(|| format!("read {}", data.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    services.sort();
    let (mut index, mut blobs) = (Vec::new(), Vec::new());
    let mut operations = 0;
    for folder in services {
        let Some(model) = newest_model(&folder)? else {
            continue;
        };
        let id = folder
            .file_name()
            .and_then(|name| name.to_str())
            .context("service folder name")?;
        let model = with_own(id, model)?;
        let blob = Blob::build(&model).with_context(|| format!("condense {id}"))?;
        operations += model["operations"].as_object().map_or(0, Map::len);
        let packed = zstd::encode_all(&blob[..], ZSTD_LEVEL)?;
        let metadata = &model["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
        let signing = metadata["signingName"]
            .as_str()
            .unwrap_or(metadata["endpointPrefix"].as_str().unwrap_or(id));
        let mut protocols: Vec<&str> = metadata["protocols"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if protocols.is_empty() {
            protocols.push(metadata["protocol"].as_str().context("protocol")?);
        }
        index.push(json!({
            "id": id, "signing": signing, "endpoint": text("endpointPrefix"), "service_id": text("serviceId"),
            "version": text("apiVersion"), "protocols": protocols, "json": text("jsonVersion"),
            "target": text("targetPrefix"), "global": metadata["globalEndpoint"].is_string(),
            "at": blobs.len(), "packed": packed.len(), "size": blob.len(),
        }));
        blobs.extend_from_slice(&packed);
    }
    println!("{} services, {operations} operations", index.len());
    let index = zstd::encode_all(&serde_json::to_vec(&index)?[..], ZSTD_LEVEL)?;
    let mut out = Vec::from(MAGIC);
    out.push(VERSION);
    out.extend_from_slice(&u32::try_from(index.len())?.to_le_bytes());
    out.extend_from_slice(&index);
    out.extend_from_slice(&blobs);
    Ok(out)
}

/// A service's model with the operations that Pugmark adds to it.
fn with_own(id: &str, mut model: Value) -> anyhow::Result<Value> {
    let version = model["metadata"]["apiVersion"].as_str().unwrap_or_default();
    let path = Path::new(OWN)
        .join(id)
        .join(version)
        .join("service-2.sdk-extras.json");
    if path.exists() {
        let own: Value = serde_json::from_slice(&std::fs::read(&path)?)
            .with_context(|| format!("read {}", path.display()))?;
        merge(&mut model, &own["merge"]);
    }
    Ok(model)
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn newest_model(folder: &Path) -> anyhow::Result<Option<Value>> {
    let mut versions: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?,
        Err(_) => return Ok(None),
    };
    versions.sort();
    for version in versions.iter().rev() {
        let (plain, packed) = (
            version.join("service-2.json"),
            version.join("service-2.json.gz"),
        );
        if packed.exists() {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(std::fs::File::open(packed)?).read_to_end(&mut text)?;
            return Ok(Some(serde_json::from_slice(&text)?));
        }
        if plain.exists() {
            return Ok(Some(serde_json::from_slice(&std::fs::read(plain)?)?));
        }
    }
    Ok(None)
}

/// One service's flat table under construction.
#[derive(Default)]
struct Blob {
    strings: Vec<u8>,
    string_at: HashMap<String, u32>,
    shape_at: BTreeMap<String, u32>,
    location_names: HashMap<String, String>,
    shapes: Vec<u8>,
    members: Vec<u8>,
    member_count: u32,
}

impl Blob {
    fn build(model: &Value) -> anyhow::Result<Vec<u8>> {
        let mut blob = Self::default();
        blob.string(""); // offset 0 is the absent text
        let shapes = model["shapes"].as_object().context("shapes")?;
        let operations = model["operations"].as_object().context("operations")?;
        let names: std::collections::BTreeSet<&String> = shapes.keys().collect();
        for (at, name) in names.iter().enumerate() {
            blob.shape_at.insert((*name).clone(), u32::try_from(at)?);
            if let Some(location_name) = shapes[*name]["locationName"].as_str() {
                blob.location_names
                    .insert((*name).clone(), location_name.to_owned());
            }
        }
        for name in &names {
            blob.shape(&shapes[*name])?;
        }
        let mut errors = Vec::new();
        let mut error_count = 0_u32;
        for name in &names {
            let shape = &shapes[*name];
            if shape["exception"] == json!(true) || shape["error"].is_object() {
                errors.extend_from_slice(&blob.string(name).to_le_bytes());
                errors.extend_from_slice(
                    &blob
                        .string(shape["error"]["code"].as_str().unwrap_or(""))
                        .to_le_bytes(),
                );
                error_count += 1;
            }
        }
        let mut rows = Vec::new();
        let sorted: BTreeMap<&String, &Value> = operations.iter().collect();
        for (name, operation) in &sorted {
            blob.operation(&mut rows, name, operation)?;
        }
        let mut out = Vec::new();
        for count in [
            sorted.len() as u32,
            names.len() as u32,
            blob.member_count,
            error_count,
        ] {
            out.extend_from_slice(&count.to_le_bytes());
        }
        out.extend_from_slice(&rows);
        out.extend_from_slice(&blob.shapes);
        out.extend_from_slice(&blob.members);
        out.extend_from_slice(&errors);
        out.extend_from_slice(&blob.strings);
        Ok(out)
    }

    fn string(&mut self, text: &str) -> u32 {
        if let Some(at) = self.string_at.get(text) {
            return *at;
        }
        let at = self.strings.len() as u32;
        self.strings
            .extend_from_slice(&(text.len() as u16).to_le_bytes());
        self.strings.extend_from_slice(text.as_bytes());
        self.string_at.insert(text.to_owned(), at);
        at
    }

    /// Shape index plus one; 0 is none.
    fn shape_ref(&self, reference: &Value) -> u32 {
        reference["shape"]
            .as_str()
            .and_then(|name| self.shape_at.get(name))
            .map_or(0, |at| at + 1)
    }

    fn operation(
        &mut self,
        rows: &mut Vec<u8>,
        name: &str,
        operation: &Value,
    ) -> anyhow::Result<()> {
        let http = &operation["http"];
        let method = http["method"].as_str().unwrap_or("POST");
        let uri = http["requestUri"].as_str().unwrap_or("/");
        let fields = [
            self.string(name),
            self.string(method),
            self.string(uri),
            self.shape_ref(&operation["input"]),
            self.shape_ref(&operation["output"]),
            self.string(operation["output"]["resultWrapper"].as_str().unwrap_or("")),
            u32::from(operation["readonly"] == json!(true)),
        ];
        for field in fields {
            rows.extend_from_slice(&field.to_le_bytes());
        }
        Ok(())
    }

    fn shape(&mut self, shape: &Value) -> anyhow::Result<()> {
        let is = |key: &str| shape[key] == json!(true);
        let kind: u8 = match shape["type"].as_str().unwrap_or("string") {
            "structure" => 0,
            "list" => 1,
            "map" => 2,
            "integer" | "long" | "short" | "byte" => 4,
            "float" | "double" => 5,
            "boolean" => 6,
            "blob" => 7,
            "timestamp" => 8,
            _ => 3,
        };
        let flags = u8::from(is("sensitive"))
            | u8::from(is("flattened")) << 1
            | u8::from(is("document")) << 2
            | u8::from(is("eventstream")) << 3
            | u8::from(is("streaming")) << 4;
        let timestamp: u8 = match shape["timestampFormat"].as_str() {
            Some("iso8601") => 1,
            Some("unixTimestamp") => 2,
            Some("rfc822") => 3,
            _ => 0,
        };
        let first = self.member_count;
        let mut payload = 0_u8;
        match kind {
            0 => {
                let wanted = shape["payload"].as_str();
                let required: Vec<&str> = shape["required"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                for (at, (member, reference)) in shape["members"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .enumerate()
                {
                    if wanted == Some(member.as_str()) {
                        payload = u8::try_from(at + 1)?;
                    }
                    self.member(member, reference, required.contains(&member.as_str()))?;
                }
            }
            1 => self.member("member", &shape["member"], false)?,
            2 => {
                self.member("key", &shape["key"], false)?;
                self.member("value", &shape["value"], false)?;
            }
            _ => {}
        }
        let count = u16::try_from(self.member_count - first).context("more than 65,535 members")?;
        self.shapes.extend_from_slice(&u24(first)?);
        self.shapes.extend_from_slice(&count.to_le_bytes());
        self.shapes
            .extend_from_slice(&[kind, flags, timestamp, payload]);
        Ok(())
    }

    /// A few shapes say how members of them are called, unless the member says it itself.
    fn location_name(&self, reference: &Value) -> String {
        let of_shape = || {
            self.location_names
                .get(reference["shape"].as_str()?)
                .map(String::as_str)
        };
        reference["locationName"]
            .as_str()
            .or_else(of_shape)
            .unwrap_or("")
            .to_owned()
    }

    fn member(&mut self, name: &str, reference: &Value, required: bool) -> anyhow::Result<()> {
        let is = |key: &str| reference[key] == json!(true);
        let location: u8 = match reference["location"].as_str() {
            None => 0,
            Some("uri") => 1,
            Some("querystring") => 2,
            Some("header") => 3,
            Some("headers") => 4,
            Some("statusCode") => 5,
            Some(other) => bail!("unknown location {other}"),
        };
        let flags = u8::from(is("flattened"))
            | u8::from(is("streaming")) << 1
            | u8::from(is("xmlAttribute")) << 2
            | u8::from(reference["queryName"].is_string()) << 3
            | u8::from(required) << 4;
        let mut location_name = self.location_name(reference);
        if let Some(query_name) = reference["queryName"].as_str() {
            location_name = format!("{location_name}\0{query_name}");
        }
        let texts = [self.string(name), self.string(&location_name)];
        for offset in texts {
            self.members.extend_from_slice(&u24(offset)?);
        }
        let shape = u16::try_from(self.shape_ref(reference)).context("more than 65,535 shapes")?;
        self.members.extend_from_slice(&shape.to_le_bytes());
        self.members.push(flags | location << 5);
        self.member_count += 1;
        Ok(())
    }
}

fn u24(number: u32) -> anyhow::Result<[u8; 3]> {
    let [a, b, c, 0] = number.to_le_bytes() else {
        bail!("a service with more than 16 MiB of names or members");
    };
    Ok([a, b, c])
}
