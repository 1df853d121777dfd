import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../faults/fault.ts'

export const MIGRATIONS_FOLDER = path.join(import.meta.dirname, 'migrations')

/** A file `NNNN_name.sql`, ordered by its number. */
export type Migration = {
  number: number
  /** The file's name without `.sql`. */
  name: string
  /** Whether an older Moose must not work with a database that has it: the file's first line is `-- breaking`. */
  breaking: boolean
  sql: string
  checksum: string
}

/** The migration files of a folder in order. */
export async function readMigrations(folder = MIGRATIONS_FOLDER): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(files.map((file) => readMigration(folder, file)))
  const twice = migrations.find(({ number }, index) => migrations[index - 1]?.number === number)
  if (twice !== undefined) throw new Fault('internal', `Two migrations have the number of ${twice.name}. Renumber one.`)
  return migrations
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]
  if (number === undefined) throw new Fault('internal', `The migration ${file} is not named NNNN_name.sql. Rename it.`)
  // A checkout may have changed the line ends; that is no other migration.
  const sql = (await readFile(path.join(folder, file), 'utf8')).replaceAll('\r\n', '\n')
  return {
    number: Number(number),
    name: file.slice(0, -'.sql'.length),
    breaking: sql.split('\n', 1)[0]?.trim() === '-- breaking',
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
  }
}
