/**
 * One worker of a fleet whose orders do nothing; configured as `moose` is, by its environment. Answers each line of its
 * input with the queries it has sent so far, as JSON, and ends with its input.
 */
import { createInterface } from 'node:readline'
import { createParts } from '../../../src/app/adapters.ts'
import { hearDatabase } from '../../../src/app/hear-database.ts'
import { homeIdOf } from '../../../src/app/home.ts'
import { systemClock } from '../../../src/clock.ts'
import { readConfig } from '../../../src/config.ts'
import { openDatabase } from '../../../src/db/connect.ts'
import { createEventFeed } from '../../../src/db/event-feed.ts'
import { createLog } from '../../../src/log.ts'
import { createOrchestrator } from '../../../src/orchestrator/orchestrator-service.ts'
import { countQueries } from './count-queries.ts'
import { noOpAdapters } from './no-op-adapters.ts'

const counted = countQueries()

const config = readConfig(process.env)
const log = createLog(config.logLevel)
await using database = await openDatabase({ ...config, log })
const { db } = database
const parts = createParts({ db, config, clock: systemClock, log })
await using _gateway = parts.gateway
await using orchestrator = createOrchestrator({
  ...database,
  config,
  clock: systemClock,
  log,
  databaseUrl: database.url,
  adapters: noOpAdapters(parts.adapters),
  watch: parts.watch,
  followUpForges: parts.followUps,
  stopCalls: parts.models.stopAll,
  admitCallsBy: parts.models.admitBy,
  proposers: parts.proposers,
  homeId: await homeIdOf(config.home),
  version: 'bench',
  own: async () => undefined,
})
await using _hearing = await hearDatabase(database.url, {
  orchestrator,
  feed: createEventFeed(db),
  onAct: () => undefined,
  onOutbox: () => undefined,
  log,
})
await orchestrator.startUnattended()
console.log('ready')
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(counted()))
