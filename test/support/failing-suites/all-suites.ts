import { CARGO_SUITES } from './cargo-suites.ts'
import { ESLINT_SUITES, TSC_SUITES } from './compiler-suites.ts'
import type { FailingSuite } from './failing-suite.ts'
import { GO_SUITES } from './go-suites.ts'
import { JEST_SUITES } from './jest-suites.ts'
import { MAVEN_SUITES } from './maven-suites.ts'
import { NODE_SUITES } from './node-suites.ts'
import { PYTEST_SUITES } from './pytest-suites.ts'
import { VITEST_SUITES } from './vitest-suites.ts'

export const FAILING_SUITES: readonly FailingSuite[] = [
  ...PYTEST_SUITES,
  ...GO_SUITES,
  ...CARGO_SUITES,
  ...JEST_SUITES,
  ...VITEST_SUITES,
  ...NODE_SUITES,
  ...TSC_SUITES,
  ...ESLINT_SUITES,
  ...MAVEN_SUITES,
]
