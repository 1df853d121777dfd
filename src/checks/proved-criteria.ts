/**
 * Which acceptance criteria a pass proves: 0-based indices, ascending, each once.
 *
 * `proves` holds 1-based numbers and texts (compared without the space around them). One that names no criterion of
 * this order proves nothing: the checks belong to the repository, and every order has criteria of its own.
 */
export function provedCriteria(proves: readonly (string | number)[], criteria: readonly string[]): number[] {
  const named = new Set(proves.map((entry) => (typeof entry === 'number' ? entry : entry.trim())))
  return [...criteria.keys()].filter((index) => named.has(index + 1) || named.has(String(criteria[index]).trim()))
}
