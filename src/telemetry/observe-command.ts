import path from 'node:path'
import { isObserving, noteAttributes, observe } from './observe.ts'

type CommandEnding = { exitCode: number | null; endedBy: string | null }

/** Observes a child process of something that is observed; its arguments may hold content and are left out. */
export function observeCommand<Result extends CommandEnding>(
  command: string,
  run: () => Promise<Result>,
): Promise<Result> {
  if (!isObserving()) return run()
  const program = path.basename(command)
  return observe(
    {
      name: `run ${program}`,
      attributes: { 'process.executable.name': program },
      fields: {},
      onEnd: () => undefined,
    },
    async () => {
      const result = await run()
      const { exitCode, endedBy } = result
      noteAttributes({
        ...(exitCode === null ? {} : { 'process.exit.code': exitCode }),
        ...(endedBy === null ? {} : { 'moose.signal': endedBy }),
      })
      return result
    },
  )
}
