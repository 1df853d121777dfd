/**
 * A text and what a thief would make of it: base64 wherever it begins within three bytes, hexadecimal, reversed, and
 * percent-encoded. Search for it in lower case: `disguises` are in lower case too.
 */
export function disguises(text: string): string[] {
  const bytes = Buffer.from(text)
  const hex = bytes.toString('hex')
  const reversed = Array.from(text).toReversed().join('')
  const percent = hex.replaceAll(/../g, '%$&')
  const plain = [text, reversed, hex, percent, encodeURIComponent(text)]
  return [...plain, ...inBase64(text), ...inBase64(reversed)].map((one) => one.toLowerCase())
}

/** Of each of the three alignments what does not depend on what stands before and after. */
function inBase64(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.from('x'.repeat(before) + text)
      .toString('base64')
      .replace(/=+$/, '')
    return encoded.slice(before === 0 ? 0 : before + 1, -2)
  })
}
