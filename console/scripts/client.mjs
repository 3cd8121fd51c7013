// Makes src/api/search.gen.ts, the client of Pugmark's own operations, from their model in docs/api/search.smithy.
// `npm run client` writes it; with --check it only says whether it is as it should be.
import { readFileSync, writeFileSync } from 'node:fs';

import { format, resolveConfig } from 'prettier';

const model = readFileSync(new URL('../../docs/api/search.smithy', import.meta.url), 'utf8');
const target = new URL('../src/api/search.gen.ts', import.meta.url).pathname;

/** @type {Record<string, string>} Times are seconds since the epoch, as in the JSON protocol. */
const types = { String: 'string', Integer: 'number', Long: 'number', Boolean: 'boolean', Timestamp: 'number' };
const out = [
  "/** Pugmark's own operations on event history. Made by scripts/client.mjs out of docs/api/search.smithy: do not edit. */",
  "import type { Session } from '../shell/session';",
  "import { callJson, sendJson } from './sign';",
];

/** @param {string} text */
function documentation(text) {
  const lines = [...text.matchAll(/^\s*\/\/\/ ?(.*)$/gm)].map(([, line]) => line);
  if (lines.length === 0) return '';
  return lines.length === 1
    ? `/** ${lines[0]} */\n`
    : `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
}

/**
 * The members of a structure's body, each with what stands above it.
 * @param {string} body
 */
function members(body) {
  return [...body.matchAll(/((?:^\s*(?:\/\/\/|@).*\n)*)^\s*(\w+): (\w+)$/gm)]
    .map(([, above = '', name, type]) => {
      const isRequired = /^\s*@required$/m.test(above);
      return `${documentation(above)}${name}${isRequired ? '' : '?'}: ${type};`;
    })
    .join('\n');
}

// Each shape begins at the first column, under its documentation and traits, and ends with a brace there.
const SHAPE = /((?:^(?:\/\/\/|@).*\n)*)^(structure|list|enum|string|blob|operation) (\w+)(?: \{\n([^]*?)^\}|$)/gm;
/** @type {string[]} */
const operations = [];
for (const [, above = '', kind, name = '', body = ''] of model.matchAll(SHAPE)) {
  const told = documentation(above);
  if (kind === 'string') {
    types[name] = 'string';
  } else if (kind === 'list') {
    out.push(`export type ${name} = ${/member: (\w+)/.exec(body)?.[1]}[];`);
  } else if (kind === 'enum') {
    const values = [...body.matchAll(/= "(\w+)"/g)].map(([, value]) => `'${value}'`);
    out.push(`${told}export type ${name} = ${values.join(' | ')};`);
  } else if (kind === 'structure' && !/^@error/m.test(above)) {
    out.push(`${told}export interface ${name} {\n${members(body)}\n}`);
  } else if (kind === 'operation') {
    const [, mixin, input = ''] = /input := with \[(\w+)\] \{\n([^]*?)^ {4}\}/m.exec(body) ?? [];
    const [, output = ''] = /output := \{\n([^]*?)^ {4}\}/m.exec(body) ?? [];
    const call = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    const parameters = `session: Session, input: ${name}Input, signal?: AbortSignal`;
    const isStream = output.includes('@httpPayload');
    out.push(`export interface ${name}Input extends ${mixin} {\n${members(input)}\n}`);
    if (!isStream) out.push(`export interface ${name}Output {\n${members(output)}\n}`);
    operations.push(
      isStream
        ? `${told}export function ${call}(${parameters}): Promise<Response> { return sendJson(session, '${name}', input, signal); }`
        : `${told}export function ${call}(${parameters}): Promise<${name}Output> { return callJson(session, '${name}', input, signal); }`,
    );
  }
}
const text = [...out, ...operations]
  .join('\n\n')
  .replace(
    /^(\w+\??: |export type \w+ = )(\w+)(;|\[\];)$/gm,
    (_, start, type, end) => `${start}${types[type] ?? type}${end}`,
  );
const made = await format(text, { ...(await resolveConfig(target)), parser: 'typescript' });

if (!process.argv.includes('--check')) {
  writeFileSync(target, made);
} else if (readFileSync(target, 'utf8') !== made) {
  console.error(
    'src/api/search.gen.ts is not what docs/api/search.smithy gives: run `npm run client` and commit the result',
  );
  process.exit(1);
}
