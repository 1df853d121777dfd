/**
 * The NUL-separated records git prints with `-z`. A record that is not valid UTF-8 has those bytes as `\xNN`: such a
 * name stays distinguishable from every real one, and the backslash keeps it out of any scope.
 */
export function recordsOf(output: Buffer): string[] {
  const records: string[] = []
  for (let start = 0; start < output.length; ) {
    const end = output.indexOf(0, start)
    const stop = end === -1 ? output.length : end
    records.push(textOf(output.subarray(start, stop)))
    start = stop + 1
  }
  return records
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
}
