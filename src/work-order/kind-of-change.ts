/** From the most to the least demanding. */
export const KINDS_OF_CHANGE = ['code', 'tests', 'style', 'config', 'docs'] as const
export type KindOfChange = (typeof KINDS_OF_CHANGE)[number]

/** Names that say more than their ending. */
const CONFIG_NAME =
  /^(?:(?:docker|make|rake|gem|proc|jenkins)file|\..+|.+\.config\.[a-z]+|cmakelists\.txt|requirements[^/]*\.txt|go\.(?:mod|sum))$/
const DOCS_NAME = /^(?:readme|changelog|contributing|licen[cs]e|notice|authors)(?:\.[a-z]+)?$/
const DOCS_ENDING = /\.(?:md|mdx|rst|adoc|txt)$/
const TEST_FOLDER = /(?:^|\/)(?:tests?|__tests__|specs?|e2e|fixtures)\//
const TEST_NAME = /(?:[._-](?:test|spec)\.[a-z]+|_test\.[a-z]+)$|^(?:test_.+|conftest)\.py$/
const DOCS_FOLDER = /(?:^|\/)docs?\//
const STYLE_ENDING = /\.(?:css|pcss|scss|sass|less|styl)$/
const CONFIG_ENDING = /\.(?:jsonc?|ya?ml|toml|ini|cfg|conf|properties|lock)$/

/**
 * What an order changes, judged by the paths in its scope alone. Where they differ, the most demanding kind counts:
 * code with its tests is code. No path at all is code, because nothing says that it is easier.
 *
 * @param files paths relative to the repository, as in `files_in_scope`
 */
export function kindOfChange(files: readonly string[]): KindOfChange {
  const kinds = new Set(files.map(kindOfFile))
  const found = KINDS_OF_CHANGE.find((kind) => kinds.has(kind))
  return found === undefined ? 'code' : found
}

/** The same of one file. */
export function kindOfFile(path: string): KindOfChange {
  const lower = path.toLowerCase()
  const name = lower.slice(lower.lastIndexOf('/') + 1)
  if (CONFIG_NAME.test(name)) return 'config'
  if (DOCS_NAME.test(name) || DOCS_ENDING.test(name)) return 'docs'
  if (TEST_FOLDER.test(lower) || TEST_NAME.test(name)) return 'tests'
  if (DOCS_FOLDER.test(lower)) return 'docs'
  if (STYLE_ENDING.test(name)) return 'style'
  return CONFIG_ENDING.test(name) ? 'config' : 'code'
}
