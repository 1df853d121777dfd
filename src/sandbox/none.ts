import { treeIn } from './cache-places.ts'
import type { LimitedRun } from './limits/limited-run.ts'
import type { Sandbox } from './sandbox.ts'

/** What that means, as the end of a sentence. */
export const NO_SANDBOX = 'set-ups, checks and Aider can do whatever the user of Moose can'

/**
 * No sandbox: foreign code runs as the user of Moose, and can do what that user can, within limits. What it starts is found
 * and ended.
 *
 * @param options.home absolute path; keeps the records of running children
 */
export function createNoSandbox({ home, runLimited }: { home: string; runLimited: LimitedRun }): Sandbox {
  return {
    kind: 'none',
    async assertReady() {},
    run({ what, folder, writable: _writable, readable: _readable, reach: _reach, image: _image, ...command }) {
      return runLimited({ ...command, cwd: treeIn(folder), foreign: { home, what } }, { what, folder })
    },
  }
}
