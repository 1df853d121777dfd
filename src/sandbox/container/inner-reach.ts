import path from 'node:path'
import { Fault } from '../../faults/fault.ts'
import { runCommand } from '../../process/run-command.ts'
import { forwarded, inside, NODE_INSIDE, placedFor } from '../reach/forwarding.ts'
import type { Reached } from '../sandbox.ts'
import type { Bind } from './run-arguments.ts'

const ASK_TIMEOUT_MS = 30_000
const MOST_ANSWER_BYTES = 64 * 1024

export type InnerReach = {
  binds: readonly Bind[]
  /** The command as what forwards its connections starts it. */
  through(command: readonly string[]): string[]
}

/**
 * How a child in a container without a network reaches sockets of Moose. What forwards its connections runs in Moose's own
 * Node, with the libraries that Node has here, so that the image needs neither: not even one that is made of another C library.
 *
 * @throws {Fault} `command_missing`, `command_failed` where the libraries cannot be told
 */
export async function innerReach(reach: readonly Reached[]): Promise<InnerReach> {
  if (reach.length === 0) return { binds: [], through: (command) => [...command] }
  const { loader, libraries } = await librariesOfNode()
  const ofNode = Object.fromEntries(libraries.map(({ name, file }) => [inside(`lib/${name}`), file]))
  const placed = { ...placedFor(reach), [inside('loader')]: loader, ...ofNode }
  const node = [inside('loader'), '--library-path', inside('lib'), NODE_INSIDE]
  return {
    binds: Object.entries(placed).map(([target, source]) => ({ source, target, writable: false })),
    through: (command) => [...node, ...forwarded(reach, command)],
  }
}

type Libraries = { loader: string; libraries: readonly { name: string; file: string }[] }
let known: Promise<Libraries> | null = null

/** The same as long as this process runs. */
function librariesOfNode(): Promise<Libraries> {
  known ??= askForLibraries().catch((error: unknown) => {
    known = null
    throw error
  })
  return known
}

/** @see https://man7.org/linux/man-pages/man1/ldd.1.html: `name => file (address)`, and the loader as `file (address)` */
async function askForLibraries(): Promise<Libraries> {
  const { exitCode, stdout } = await runCommand({
    command: 'ldd',
    args: [process.execPath],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LANG: 'C' },
    timeoutMs: ASK_TIMEOUT_MS,
    maxOutputBytes: MOST_ANSWER_BYTES,
    signal: null,
  })
  const lines = stdout
    .text()
    .split('\n')
    .map((line) => line.trim().split(' '))
  const libraries = lines.flatMap(([name = '', arrow, file = '']) =>
    arrow === '=>' && path.isAbsolute(file) ? [{ name: path.basename(name), file }] : [],
  )
  const loader = lines.find(([file = '', next]) => path.isAbsolute(file) && next !== '=>')?.[0]
  if (exitCode === 0 && loader !== undefined) return { loader, libraries }
  const message = `ldd does not say which libraries ${process.execPath} needs, which a container has to be given.`
  throw new Fault('command_failed', message, { exit_code: exitCode })
}
