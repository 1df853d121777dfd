/**
 * A process that opens the database of a home (first argument), as `moose` does, says how it went in one JSON line and
 * holds it until its stdin ends. A second argument opens and closes so many times first.
 */
import { openDatabase } from '../../src/db/connect.ts'
import { migrate } from '../../src/db/migrate.ts'
import { toFault } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'

const home = String(process.argv[2])
const rounds = Number(process.argv[3])
const options = { databaseUrl: null, home, log: createLog('silent') }

try {
  for (let round = 0; round < rounds; round += 1) {
    await using database = await openDatabase(options)
    await migrate(database.pool)
  }
  await using database = await openDatabase(options)
  const { applied } = await migrate(database.pool)
  const { url, dataDirectory } = database
  process.stdout.write(`${JSON.stringify({ url, dataDirectory, applied })}\n`)
  for await (const _ of process.stdin);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ fault: toFault(error).toRecord() })}\n`)
  process.exitCode = 1
}
