import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'

/** What is still there of programs that were given this folder for temporary files; one line each. */
export function leftovers(folder: string): string[] {
  return [
    ...readdirSync(folder).map((name) => `file ${path.join(folder, name)}`),
    ...processesOf(folder).map(({ pid, command }) => `process ${pid}: ${command}`),
  ]
}

/** Processes that work in the folder or were started with it; none where there is no /proc to look into. */
function processesOf(folder: string): { pid: number; command: string }[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .map((pid) => ({ pid, command: read(pid, 'cmdline') }))
    .filter(({ pid, command }) => `${command}\0${read(pid, 'environ')}\0${workingFolder(pid)}`.includes(folder))
    .map(({ pid, command }) => ({ pid, command: command.replaceAll('\0', ' ').trim() }))
}

/** Empty for a process that has just ended or belongs to somebody else. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}
