/**
 * Sets of characters for the patterns of the contract, without their brackets. Readers of JSON schema take different
 * dialects of regular expressions, so they are written in what all have: Python's `re` knows no `\p{…}`, and Rust's `regex`
 * no half of a character, which is none of a JSON schema's strings anyway.
 *
 * @see https://json-schema.org/understanding-json-schema/reference/regular_expressions
 */
export const CONTROL = String.raw`\u0000-\u001f\u007f-\u009f`
/** Of these, what text of several lines does without. */
export const NOT_IN_PROSE = String.raw`\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f`
/** What ECMAScript calls space, which `\s` is not elsewhere. */
export const SPACE = String.raw`\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`
