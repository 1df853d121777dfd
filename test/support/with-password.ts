import { createTestDatabase, type TestDatabase } from './database.ts'

/** A database that is opened with this password, which the server does not ask for. */
export function databaseWithPassword(password: string): () => Promise<TestDatabase> {
  return async () => {
    const database = await createTestDatabase()
    const url = new URL(database.url)
    url.password = encodeURIComponent(password)
    return { ...database, url: url.href }
  }
}
