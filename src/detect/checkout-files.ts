import { parse as parseToml } from 'smol-toml'
import { z } from 'zod'

/** Larger files of a checkout are not read; the names of files say enough then. */
export const MOST_BYTES = 512 * 1024

/** A read-only view of a checkout. */
export type CheckoutFiles = {
  /** Of the tracked files, from the root, with `/`; a part of them where there are very many. */
  names: ReadonlySet<string>
  /** The text of one of them; null where it is no plain file inside the checkout, or has more than 512 KiB. */
  read(name: string): Promise<string | null>
}

/** Of what a file says, as far as it could be read; anything else counts as not said. */
export type Said = Readonly<Record<string, unknown>>

const Group = z.record(z.string(), z.unknown())

/** A group within what a file says; empty where there is none. */
export function groupIn(said: Said, ...keys: readonly string[]): Said {
  let group = said
  for (const key of keys) {
    const next = Object.hasOwn(group, key) ? Group.safeParse(group[key]) : null
    if (next?.success !== true) return {}
    group = next.data
  }
  return group
}

/** Whether a group is there at all. */
export function hasGroup(said: Said, ...keys: readonly string[]): boolean {
  const parent = groupIn(said, ...keys.slice(0, -1))
  const last = keys.at(-1)
  return last !== undefined && Object.hasOwn(parent, last)
}

/** Null: there is no such file, or none that can be read. */
export async function readJson(files: CheckoutFiles, name: string): Promise<Said | null> {
  return await readWith(files, name, JSON.parse)
}

/** Null: there is no such file, or none that can be read. */
export async function readToml(files: CheckoutFiles, name: string): Promise<Said | null> {
  return await readWith(files, name, parseToml)
}

async function readWith(files: CheckoutFiles, name: string, parse: (text: string) => unknown): Promise<Said | null> {
  const text = files.names.has(name) ? await files.read(name) : null
  if (text === null) return null
  try {
    const parsed = Group.safeParse(parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    // Not of its format, or nested too deep for the parser: what is proposed without it is right all the same.
    return null
  }
}

/** The text of a file, empty where there is none that can be read. */
export async function textOf(files: CheckoutFiles, name: string): Promise<string> {
  const text = files.names.has(name) ? await files.read(name) : null
  return text === null ? '' : text
}

/** The first of these files that is there. */
export function firstOf(files: CheckoutFiles, names: readonly string[]): string | undefined {
  return names.find((name) => files.names.has(name))
}

/** A folder of a checkout as a checkout of its own. */
export function filesBelow(files: CheckoutFiles, folder: string): CheckoutFiles {
  const start = `${folder}/`
  const names = [...files.names].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length))
  return { names: new Set(names), read: (name) => files.read(start + name) }
}
