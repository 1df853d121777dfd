import type { Kysely } from 'kysely'
import packageJson from '../package.json' with { type: 'json' }
import { createParts, type Parts } from './app/adapters.ts'
import { armFault } from './app/arm-fault.ts'
import { hearDatabase } from './app/hear-database.ts'
import { acquireHome, createHomeOwnership, type HomeOwnership, homeIdOf } from './app/home.ts'
import { systemClock } from './clock.ts'
import { type Config, shownDatabaseUrl, type TracingTarget } from './config.ts'
import { type OpenDatabase, openDatabase } from './db/connect.ts'
import { databaseIdentity } from './db/database-identity.ts'
import { createEventFeed } from './db/event-feed.ts'
import { type MigrateResult, migrate } from './db/migrate.ts'
import type { Database } from './db/schema.ts'
import { examine } from './doctor/examine.ts'
import { closeHome } from './doctor/private-home.ts'
import { type RepairWatch, repair } from './doctor/repair.ts'
import { tidy } from './doctor/tidy.ts'
import { createHttpApp } from './http/http-app.ts'
import type { HttpDeps } from './http/http-deps.ts'
import type { HttpApp } from './http/http-env.ts'
import { serveHttp } from './http/serve-http.ts'
import type { Log } from './log.ts'
import type { Orchestrator } from './orchestrator/orchestrator.ts'
import { createOrchestrator } from './orchestrator/orchestrator-service.ts'
import type { DoctorFinding } from './ports/doctor-finding.ts'
import type { RetentionDeps } from './retention/retention-deps.ts'
import { type SweepSchedule, startSweeping } from './retention/sweep.ts'

/** The version of this program. */
export const VERSION = packageJson.version

export type Moose = AsyncDisposable & {
  /** The API without a socket. */
  http: Pick<HttpApp, 'fetch'>
  /** What the API works with. */
  api: HttpDeps
  orchestrator: Orchestrator
  db: Kysely<Database>
  /** For psql; without a password. */
  databaseUrl: string
  /** What tells its database from every other; no secret. */
  databaseIdentity(): Promise<string>
  /** What opening has brought up to date. */
  migrated: MigrateResult
  /**
   * Serves the API on loopback.
   * @param port 0 lets the system choose
   * @throws {Fault} `port_taken`
   */
  serve(port: number): Promise<{ url: string }>
  /** Examines everything an order needs. @param fix removes what is unused first, and installs what Moose can install */
  doctor(fix: RepairWatch | null): Promise<DoctorFinding[]>
}

type Role = 'service' | 'worker' | 'client'

/**
 * Opens a home: its database, migrated, and everything that works on it. Disposing closes it in the reverse order and
 * leaves nothing running.
 *
 * @param options.role `service` owns the home from the start, takes up what an earlier process left and follows pull
 *   requests; `worker` does all but follow them; `client` owns it only when it is asked to run something
 * @throws {Fault} `database_*`, `home_owned`
 */
export async function openMoose(config: Config, options: { log: Log; role: Role }): Promise<Moose> {
  const { log, role } = options
  if (config.fault !== null) armFault(config.fault, log)
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await openDatabase({ ...config, log }))
  const migrated = await migrate(database.pool)
  const { db, pool } = database
  const homeId = await homeIdOf(config.home)
  await closeHome(config.home)
  if (role !== 'client') stack.use(await traced(config.tracing, { version: VERSION, instance: homeId }, log))
  let sweeping: SweepSchedule | null = null
  const onLost = () => {
    orchestrator.abandon()
    sweeping?.stop()
  }
  const ownership = stack.use(createHomeOwnership(config.home, { url: database.url, homeId, log, onLost }))
  if (role !== 'client') await ownership.take()

  const shared = { db, pool, config, clock: systemClock, log, homeId }
  const parts = createParts(shared)
  stack.use(parts.gateway)
  if (role !== 'client') await parts.models.heedChangedKeys()
  const own = () => acquireHome(ownership, { ...shared, databaseUrl: database.url })
  const orchestrator = stack.use(
    createOrchestrator({
      ...shared,
      databaseUrl: database.url,
      adapters: parts.adapters,
      watch: parts.watch,
      stopCalls: parts.models.stopAll,
      admitCallsBy: parts.models.admitBy,
      proposers: parts.proposers,
      version: VERSION,
      own,
    }),
  )
  const feed = createEventFeed(db)
  stack.use(await hearDatabase(database.url, { orchestrator, feed, log }))
  const home = { isHomeOwned: () => ownership.isHeld, ownHome: ownsHome({ role, ownership, own }) }
  const api: HttpDeps = { ...shared, ...parts, feed, orchestrator, ...home }
  const http = createHttpApp(api)
  const retention = { ...database, ...shared, mirrors: parts.mirrors, databaseUrl: database.url }
  if (role !== 'client') {
    await orchestrator.launch({ follow: role === 'service' })
    sweeping = stack.use(startSweeping(retention))
  }
  const owned = stack.move()
  return {
    http,
    api,
    orchestrator,
    db,
    databaseUrl: shownDatabaseUrl(database.url),
    databaseIdentity: () => databaseIdentity(db),
    migrated,
    serve: async (port) => owned.use(await serveHttp(http, { port })),
    doctor: (fix) => examineAfter(fix, { database, parts, retention }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A service has cleaned up when it began, and what lies there now is its own. */
function ownsHome(of: { role: Role; ownership: HomeOwnership; own: () => Promise<void> }): () => Promise<void> {
  return () => (of.role === 'client' && !of.ownership.isHeld ? of.own() : of.ownership.take())
}

/**
 * What tells the database behind a URL from every other; nothing in it is changed.
 *
 * @throws {Fault} `database_unreachable`, `database_refused`
 */
export async function identityOfDatabase(config: Config & { databaseUrl: string }, log: Log): Promise<string> {
  await using database = await openDatabase({ ...config, log })
  return await databaseIdentity(database.db)
}

async function examineAfter(
  fix: RepairWatch | null,
  {
    database,
    parts,
    retention,
  }: { database: OpenDatabase; parts: Parts; retention: RetentionDeps & { config: Config } },
): Promise<DoctorFinding[]> {
  const { config, log } = retention
  if (fix !== null) {
    await tidy(retention, fix)
    await repair(config, { databaseUrl: database.url, log }, fix)
  }
  return examine(config, database, { parts, retention })
}

/** Sends traces where there is somewhere to send them to; without, not even the code for it is loaded. */
async function traced(
  target: TracingTarget | null,
  service: { version: string; instance: string },
  log: Log,
): Promise<AsyncDisposable | null> {
  if (target === null) return null
  const { startTracing } = await import('./app/tracing.ts')
  return startTracing(target, service, log)
}
