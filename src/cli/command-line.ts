import { text } from 'node:stream/consumers'
import { exitCodeOf } from './exit-code.ts'
import { invocationOf } from './pages/invocation.ts'
import { createOutput } from './pages/output.ts'
import { buildProgram, faultOfRun } from './program.ts'

/** Carries out what this process was called with, and leaves its exit code in `process.exitCode`. */
export async function runCommandLine(): Promise<void> {
  const words = process.argv.slice(2)
  // oxlint-disable-next-line node/no-process-env -- config.ts reads it; somebody must hand it over
  const environment = process.env
  const output = createOutput(process, {
    json: words.includes('--json'),
    color: !words.includes('--no-color'),
    invocation: invocationOf(environment),
  })
  process.stdout.on('error', endWithReader)
  process.stderr.on('error', endWithReader)
  try {
    await buildProgram({
      output,
      environment,
      cwd: process.cwd(),
      readStdin: () => text(process.stdin),
    }).parseAsync(words, { from: 'user' })
  } catch (thrown) {
    const fault = faultOfRun(thrown)
    if (fault === null) return
    output.fault(fault, environment['MOOSE_LOG_LEVEL'] === 'debug')
    process.exitCode = exitCodeOf(fault.code)
  }
}

/** Whoever read us (`head`, `less`) has seen enough. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
