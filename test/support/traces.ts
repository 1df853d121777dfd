import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gitIn } from './git-remote.ts'
import type { RealTools } from './real-tools.ts'

export type Traces = {
  /** Children of the service, and whatever else has its folder in its arguments or environment. */
  processes: string[]
  workspaces: string[]
  temporary: string[]
  /** All refs of the mirror. */
  refs: string[]
}

/** What the service has left on this machine. */
export async function tracesOf(tools: RealTools): Promise<Traces> {
  const mirrors = path.join(tools.folder, 'home', 'mirrors')
  const [mirror] = await readdir(mirrors)
  const refs = await gitIn(path.join(mirrors, String(mirror)), 'for-each-ref', '--format=%(refname)')
  return {
    processes: await processesOf(tools),
    workspaces: await readdir(path.join(tools.folder, 'home', 'workspaces')),
    temporary: await readdir(path.join(tools.folder, 'tmp')),
    refs: refs.split('\n').sort(),
  }
}

/** One line each: pid, parent, arguments and, where the system shows it, the environment. */
export async function processesOf({ folder, service }: RealTools): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['axeww', '-o', 'pid=,ppid=,command='], { maxBuffer: 1e8 })
  return stdout.split('\n').filter((line) => {
    const [pid, parent] = line.trim().split(/\s+/)
    if (pid === String(service.child.pid)) return false
    return parent === String(service.child.pid) || line.includes(folder)
  })
}

/** Where one of the texts can be read: rows, files, pull requests, commits, what the service printed. */
export async function placesWith(tools: RealTools, texts: readonly string[]): Promise<string[]> {
  const { folder, github, home, service } = tools
  const commits = await home.remote.git('log', '--all', '--patch', '--format=fuller')
  const said = { printed: service.printed(), pulls: JSON.stringify(github.state.pulls), commits }
  const places = [
    ...Object.entries(said),
    ...(await rows(tools)),
    ...(await files(path.join(folder, 'home'))),
    ...(await files(path.join(folder, 'tmp'))),
  ]
  return places.filter(([, content]) => texts.some((text) => content.includes(text))).map(([place]) => place)
}

async function rows({ home }: RealTools): Promise<[string, string][]> {
  const { pool } = home.database
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('public', 'dbos') and table_type = 'BASE TABLE'`,
  )
  const found: [string, string][] = []
  for (const { name } of tables.rows) {
    const { rows } = await pool.query<{ content: string }>(`select one::text as content from ${name} one`)
    found.push([name, rows.map(({ content }) => content).join('\n')])
  }
  return found
}

async function files(root: string): Promise<[string, string][]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  return await Promise.all(names.map(async (name): Promise<[string, string]> => [name, await readFile(name, 'latin1')]))
}
