/**
 * Where the `moose` process begins. All it loads comes after this: stripped of its types and compiled once per
 * version of a file, not at every start, which makes a command start in about half the time. What was compiled is
 * kept among the dependencies, where only users that can change the code can write; where that cannot be
 * written, Moose starts as it would without.
 *
 * @see https://nodejs.org/api/module.html#module-compile-cache
 */
import { enableCompileCache } from 'node:module'
import path from 'node:path'

enableCompileCache(path.join(import.meta.dirname, '../../node_modules/.cache/moose'))
const { runCommandLine } = await import('./program.ts')
await runCommandLine()
