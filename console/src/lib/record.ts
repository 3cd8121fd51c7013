/** An event's record: JSON that anybody may have filled with anything. */
import type { FoundEvent } from '../api/search';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The record as a tree; undefined if it is no JSON object. */
export function parseRecord(event: FoundEvent): { [name: string]: Json } | undefined {
  try {
    const parsed = JSON.parse(event.CloudTrailEvent) as Json;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The value at a path of names. */
export function at(tree: Json | undefined, ...path: string[]): Json | undefined {
  let here = tree;
  for (const name of path) {
    if (typeof here !== 'object' || here === null || Array.isArray(here)) return undefined;
    here = Object.hasOwn(here, name) ? here[name] : undefined;
  }
  return here;
}

/** The same, if it is a text (or a number or truth value, as text). */
export function textAt(tree: Json | undefined, ...path: string[]): string | undefined {
  const value = at(tree, ...path);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** A name in a field path: in quotation marks where it has a dot or another mark. */
export function pathName(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
}
