const PER_CRITERION = 0.1
const PER_FILE = 0.05

/**
 * How hard a work order is, 0 to 1: a tenth per acceptance criterion and a twentieth per file in scope, where none
 * counts as one. The specification's formula (4.3) and the only one; the length of the description does not count.
 */
export function estimateComplexity({ criteria, files }: { criteria: number; files: number }): number {
  const sum = PER_CRITERION * Math.max(1, criteria) + PER_FILE * Math.max(1, files)
  // Two decimals: 0.1 · 3 is not 0.3 in binary, and thresholds are compared with this number.
  return Math.min(1, Math.round(sum * 100) / 100)
}
