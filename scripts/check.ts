/**
 * The gates of `npm test`, one line each: types, lint, format, imports, SQL, dead code, layout, patterns, documents,
 * configuration, moose.yaml, commands, proposers, supply chain. All of them run, so that one look shows everything; any that fails fails the whole.
 */
import { spawnSync } from 'node:child_process'

const GATES: readonly { name: string; program: string; args: readonly string[]; proof?: RegExp }[] = [
  { name: 'types', program: 'tsc', args: [] },
  // The types of its client are made of openapi.json, as it is now.
  { name: 'client of the page', program: 'node', args: ['scripts/build-page.ts', '--types'] },
  { name: 'types of the page', program: 'tsc', args: ['--project', 'web'] },
  { name: 'lint', program: 'oxlint', args: ['--deny-warnings'] },
  { name: 'format', program: 'biome', args: ['check'] },
  // A cruise of no modules would pass too: it must say that it has seen the tree.
  {
    name: 'imports',
    program: 'depcruise',
    args: ['src', 'web/src', '--config', '.dependency-cruiser.mjs'],
    proof: /\((?:\d{3,}) modules/,
  },
  // A look at no module would pass too.
  { name: 'sql', program: 'node', args: ['scripts/sql-in-db.ts'], proof: /^\d{3,} modules/m },
  { name: 'dead code', program: 'knip', args: [] },
  { name: 'layout', program: 'node', args: ['scripts/layout.ts'], proof: /^\d{3,} files$/m },
  // A look at no pattern would pass too.
  { name: 'patterns', program: 'node', args: ['scripts/patterns.ts'], proof: /^\d{3,} patterns$/m },
  {
    name: 'documents',
    program: 'node',
    args: ['scripts/documents.ts'],
    proof: /^\d{3,} links and paths in \d+ documents$/m,
  },
  { name: 'configuration', program: 'node', args: ['scripts/configuration.ts', '--check'] },
  { name: 'moose.yaml', program: 'node', args: ['scripts/moose-yaml.ts', '--check'] },
  { name: 'commands', program: 'node', args: ['scripts/commands.ts', '--check'] },
  { name: 'proposers', program: 'node', args: ['scripts/proposers.ts', '--check'] },
  { name: 'supply chain', program: 'node', args: ['scripts/supply-chain.ts'], proof: /^\d{3,} packages$/m },
]

let failed = 0
for (const { name, program, args, proof } of GATES) {
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  const passed = status === 0 && (proof === undefined || proof.test(stdout))
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${passed ? '✔' : '✖'} ${name} (${seconds}s)`)
  if (!passed) {
    failed += 1
    console.log(stdout + stderr)
  }
}
process.exitCode = failed === 0 ? 0 : 1
