/** Texts of events are what callers sent: shown as text, and so that nothing in them changes how the rest reads. */

// Control characters (tab and line feed too: a cell is one line), bidirectional marks and overrides, zero-width
// characters, line and paragraph separators, interlinear marks, and halves of surrogate pairs.
const INVISIBLE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The text with every character that is not seen written out, as `\u202e`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The beginning of a text, for places that have room for no more. */
export function clip(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Both: the beginning of a text, with nothing in it unseen. */
export function cut(text: string, charsMax: number): string {
  return visible(clip(text, charsMax));
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 event`, `2,000 events`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `iam.amazonaws.com` is `iam` where there is little room. */
export function shortSource(source: string): string {
  return source.replace(/\.amazonaws\.com$/, '');
}
