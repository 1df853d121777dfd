import { copyFile, mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { MIGRATIONS_FOLDER, migrate, readMigrations } from '../../src/db/migrate.ts'
import { createEmptyTestDatabase, type TestDatabase } from './database.ts'

/** A database as an older Moose left it. @param last the number of its newest migration */
export async function olderDatabase(last: number): Promise<TestDatabase> {
  const database = await createEmptyTestDatabase()
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-older-'))
  for (const { number, name } of await readMigrations()) {
    if (number > last) continue
    await copyFile(path.join(MIGRATIONS_FOLDER, `${name}.sql`), path.join(folder.path, `${name}.sql`))
  }
  await migrate(database.pool, folder.path)
  return database
}
