const ZERO_WIDTH_SPACE = '\u200b'

/**
 * Text from an order as it may stand in a pull request: it mentions nobody, refers to and closes no issue, and brings
 * no HTML and no images. Readers see the same words.
 */
export function neutralised(text: string): string {
  return text
    .replace(/@(?=[\w-])/g, `@${ZERO_WIDTH_SPACE}`)
    .replace(/#(?=\d)/g, `#${ZERO_WIDTH_SPACE}`)
    .replace(/\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=:?\s+(?:#|https?:|[\w.-]+\/))/gi, spread)
    .replace(/<(?=[a-z/!?])/gi, `<${ZERO_WIDTH_SPACE}`)
    .replace(/!(?=\[)/g, `!${ZERO_WIDTH_SPACE}`)
}

function spread(word: string): string {
  return word.slice(0, 1) + ZERO_WIDTH_SPACE + word.slice(1)
}

/**
 * Code that no run of backticks inside it can end early.
 *
 * @param language of a block; null makes an inline span
 */
export function fenced(language: string | null, code: string): string {
  const longest = Math.max(0, ...[...code.matchAll(/`+/g)].map(([run]) => run.length))
  if (language === null) {
    const ticks = '`'.repeat(longest + 1)
    const pad = longest === 0 ? '' : ' '
    return ticks + pad + code + pad + ticks
  }
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}${language}\n${code}\n${fence}`
}
