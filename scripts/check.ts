/**
 * The gates of `npm test`, one line each: types, lint, format, imports, dead code. All of them run, so that one look
 * shows everything; any that fails fails the whole.
 */
import { spawnSync } from 'node:child_process'

const GATES: readonly { name: string; command: readonly string[]; proof?: RegExp }[] = [
  { name: 'types', command: ['tsc'] },
  { name: 'lint', command: ['oxlint', '--deny-warnings'] },
  { name: 'format', command: ['biome', 'check'] },
  // A cruise of no modules would pass too: it must say that it has seen the tree.
  {
    name: 'imports',
    command: ['depcruise', 'src', '--config', '.dependency-cruiser.mjs'],
    proof: /\((?:\d{3,}) modules/,
  },
  { name: 'dead code', command: ['knip'] },
]

let failed = 0
for (const { name, command, proof } of GATES) {
  const began = performance.now()
  const [program, ...args] = command
  const { status, stdout, stderr } = spawnSync(program as string, args, { encoding: 'utf8' })
  const passed = status === 0 && (proof === undefined || proof.test(stdout))
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${passed ? '✔' : '✖'} ${name} (${seconds}s)`)
  if (!passed) {
    failed += 1
    console.log(stdout + stderr)
  }
}
process.exitCode = failed === 0 ? 0 : 1
