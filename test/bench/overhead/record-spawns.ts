/** Loaded before Moose (`NODE_OPTIONS=--import`): appends a line to a file for every program it starts, when it ends. */
import childProcess from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** Where; read here because this is no part of Moose. */
const file = String(process.env['BENCH_SPAWNS'])
const spawn = childProcess.spawn

Object.assign(childProcess, {
  spawn(...call: Parameters<typeof spawn>) {
    const before = performance.now()
    const child = spawn(...call)
    const blockedMs = performance.now() - before
    const [command, args] = call
    child.once('exit', () => {
      const line = { command, verb: args.find((arg) => /^[a-z]+(-[a-z]+)*$/.test(arg)), blockedMs }
      appendFileSync(file, `${JSON.stringify({ ...line, tookMs: performance.now() - before })}\n`)
    })
    return child
  },
})
syncBuiltinESMExports()
