import { type Document, isScalar, visit } from 'yaml'

/**
 * Where a key of a YAML document stands that its map has already, in characters, in the order of the text. The parser
 * compares every key with every other; so it is told not to look (`uniqueKeys: false`).
 */
export function keysTwice(document: Document.Parsed): number[] {
  const offsets: number[] = []
  visit(document, {
    Map(_, { items }) {
      const known = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (known.has(key.value) && key.range) offsets.push(key.range[0])
        known.add(key.value)
      }
    },
  })
  return offsets.toSorted((left, right) => left - right)
}
