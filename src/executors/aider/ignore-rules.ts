/**
 * What Aider is to overlook, as gitignore rules: every file that is not in scope, and what is kept out of the tree. Aider
 * throws away the edits of an answer whose words name a tracked file it was not given, and asks again with that file.
 *
 * @param hidden names from the root
 * @see https://aider.chat/docs/config/options.html (--aiderignore), https://git-scm.com/docs/gitignore
 */
export function ignoreRules(scope: readonly string[], hidden: readonly string[]): string {
  const seen = scope.map((entry) => `!/${escaped(entry)}${entry.endsWith('/') ? '**' : ''}`)
  const overlooked = hidden.filter((name) => !name.includes('\n')).map((name) => `/${escaped(name)}`)
  return `${['*', ...seen, ...overlooked].join('\n')}\n`
}

function escaped(path: string): string {
  return path.replaceAll(/[\\*?[\]!# ]/g, '\\$&')
}
