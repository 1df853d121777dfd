import { type AST, RegExpParser } from '@eslint-community/regexpp'

/** A text that may take a pattern long: `before`, then `repeated` as often as one likes, then something that may not fit. */
export type Attack = { before: string; repeated: string }

/** Of each set of characters the first and the last of these that are in it stand for all. */
const ALPHABET = Array.from('a0 ./:@-_`"\'\\<>#*[]{}()=,;!~A\n\t\r\u001b\u0007\u009b\u2028\u200eé')
/** No pattern looks for it; in front it keeps what is bound to the start of the text from fitting. */
const UNFIT = '\0'
const MOST_COPIES = 50

/**
 * Texts made of what a pattern looks for: every run of its parts, one after the other, behind all that comes before. What
 * makes a pattern take more than linear time is that it can begin, or go on, in many places of a text that fits it almost.
 */
export function attacksOn(source: string, flags: string): Attack[] {
  const kinds = { unicode: flags.includes('u'), unicodeSets: flags.includes('v') }
  const { alternatives } = new RegExpParser().parsePattern(source, 0, source.length, kinds)
  const attacks = new Map<string, Attack>()
  for (const alphabet of [ALPHABET, ALPHABET.toReversed()])
    for (const before of ['', UNFIT])
      for (const attack of attacksWithin(alternatives, before, new Sampler(alphabet, flags)))
        attacks.set(JSON.stringify(attack), attack)
  return [...attacks.values()]
}

function attacksWithin(alternatives: readonly AST.Alternative[], before: string, sampler: Sampler): Attack[] {
  return alternatives.flatMap(({ elements }) => {
    const parts = sampler.partsOf(elements)
    const runs = parts.flatMap((_, from) => {
      const ahead = before + parts.slice(0, from).join('')
      return parts.slice(from).map((__, more) => {
        return { before: ahead, repeated: parts.slice(from, from + more + 1).join('') }
      })
    })
    const inner = elements.flatMap((element, index) => {
      const group = element.type === 'Quantifier' ? element.element : element
      if (!('alternatives' in group)) return []
      const ahead = before + sampler.partsOf(elements.slice(0, index)).join('')
      return attacksWithin(group.alternatives.filter(isAlternative), ahead, sampler)
    })
    return [...runs.filter(({ repeated }) => repeated !== ''), ...inner]
  })
}

/** Flag `v` has alternatives of another kind, within sets of characters. */
function isAlternative(node: AST.Alternative | AST.StringAlternative): node is AST.Alternative {
  return node.type === 'Alternative'
}

/** Texts that fit the parts of a pattern. */
class Sampler {
  readonly #alphabet: readonly string[]
  readonly #flags: string

  constructor(alphabet: readonly string[], flags: string) {
    this.#alphabet = alphabet
    this.#flags = flags.replaceAll(/[gmy]/g, '')
  }

  /** One text for each element; characters that stand side by side are one part. */
  partsOf(elements: readonly AST.Element[]): string[] {
    const parts: string[] = []
    let word = ''
    for (const element of elements) {
      if (element.type === 'Character') word += this.#sample(element)
      else {
        parts.push(word, this.#sample(element))
        word = ''
      }
    }
    return [...parts, word].filter((part) => part !== '')
  }

  #sample(element: AST.Element): string {
    switch (element.type) {
      case 'Character':
        return String.fromCodePoint(element.value)
      case 'CharacterSet':
      case 'CharacterClass':
      case 'ExpressionCharacterClass':
        return this.#member(element.raw)
      case 'Quantifier':
        return this.#sample(element.element).repeat(Math.min(Math.max(element.min, 1), element.max, MOST_COPIES))
      case 'Group':
      case 'CapturingGroup':
        return element.alternatives
          .slice(0, 1)
          .flatMap((first) => this.partsOf(first.elements))
          .join('')
      case 'Assertion':
      case 'Backreference':
        return ''
    }
  }

  /** Empty for a set of which no member is known. */
  #member(raw: string): string {
    const set = new RegExp(`^${raw}$`, this.#flags)
    const found = this.#alphabet.find((character) => set.test(character))
    return found === undefined ? '' : found
  }
}
