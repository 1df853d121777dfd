import type { Kysely } from 'kysely'
import packageJson from '../package.json' with { type: 'json' }
import { createParts, type Parts } from './app/adapters.ts'
import { armFault } from './app/arm-fault.ts'
import { hearDatabase } from './app/hear-database.ts'
import { acquireHome, createHomeOwnership, type HomeOwnership, homeIdOf } from './app/home.ts'
import { ensureHomeToken, osUser, type TokenHome } from './app/home-token.ts'
import { type Audit, createAudit } from './audit/audit.ts'
import { createHeadKeeper } from './audit/head-keeper.ts'
import { systemClock } from './clock.ts'
import { type Config, shownDatabaseUrl, type TracingTarget } from './config.ts'
import type { DoctorFinding } from './contract/doctor.ts'
import { actingAs } from './db/audit/acting-as.ts'
import { recordPolling } from './db/audit/audit-entries.ts'
import { type OpenDatabase, openDatabase } from './db/connect.ts'
import { databaseIdentity } from './db/database-identity.ts'
import { createEventFeed } from './db/event-feed.ts'
import { type MigrateResult, migrate } from './db/migrate.ts'
import type { Database } from './db/schema.ts'
import { looks } from './doctor/examine.ts'
import { createExaminer } from './doctor/examiner.ts'
import { closeHome } from './doctor/private-home.ts'
import { type RepairWatch, repair } from './doctor/repair.ts'
import { tidy } from './doctor/tidy.ts'
import { Fault } from './faults/fault.ts'
import { readTokenFile } from './files/api-token-file.ts'
import { calledWithin, createHttpApp } from './http/http-app.ts'
import type { HttpDeps } from './http/http-deps.ts'
import type { HttpApp } from './http/http-env.ts'
import { serveHttp } from './http/serve-http.ts'
import type { Log } from './log.ts'
import { createSender } from './notifications/sender.ts'
import type { Orchestrator, OrchestratorDeps } from './orchestrator/orchestrator.ts'
import { createOrchestrator, type OrchestratorService } from './orchestrator/orchestrator-service.ts'
import { createNetwork } from './remote/network-route.ts'
import type { RetentionDeps } from './retention/retention-deps.ts'
import { type SweepSchedule, startSweeping } from './retention/sweep.ts'

/** The version of this program. */
export const VERSION = packageJson.version

export type Moose = AsyncDisposable & {
  /** The API without a socket: who calls it has the home and its database, and is the user who runs this process. */
  http: Pick<HttpApp, 'fetch'>
  /** What the API works with. */
  api: HttpDeps
  orchestrator: Orchestrator
  /** Takes on orders from now on, as `Orchestrator.startUnattended` does; an act of the user who runs this process. */
  startUnattended(): Promise<void>
  db: Kysely<Database>
  /** For psql; without a password. */
  databaseUrl: string
  /** What tells its database from every other; no secret. */
  databaseIdentity(): Promise<string>
  /** What opening has brought up to date. */
  migrated: MigrateResult
  /**
   * Serves the API to this machine, and to others where `MOOSE_HOST` says so.
   * @param port 0 lets the system choose
   * @returns `url` for programs of this machine, `publicUrl` for others; null: for none
   * @throws {Fault} `port_taken`, `config_invalid`
   */
  serve(port: number): Promise<Served>
  /** Examines everything an order needs. @param fix removes what is unused first, and installs what Moose can install */
  doctor(fix: RepairWatch | null): Promise<DoctorFinding[]>
}

type Served = AsyncDisposable & { url: string; publicUrl: string | null }

type Role = 'service' | 'worker' | 'client'

/**
 * Opens a home: its database, migrated, and everything that works on it. Disposing closes it in the reverse order and
 * leaves nothing running.
 *
 * @param options.role `service` owns the home from the start, takes up what an earlier process left and follows pull
 *   requests; `worker` does all but follow them; `client` owns it only when it is asked to run something
 * @throws {Fault} `database_*`, `home_owned`; `config_invalid` for a service that others could reach without protection
 */
export async function openMoose(config: Config, options: { log: Log; role: Role }): Promise<Moose> {
  const { log, role } = options
  if (role !== 'client') assertProtected(config)
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

  const shared = { db, pool, config, clock: systemClock, log, homeId, osUser: osUser() }
  const parts = createParts(shared)
  stack.use(parts.gateway)
  if (role !== 'client') await parts.models.heedChangedKeys()
  const own = () => acquireHome(ownership, { ...shared, databaseUrl: database.url })
  const orchestrator = stack.use(orchestratorOf({ ...shared, databaseUrl: database.url, own }, parts))
  const feed = createEventFeed(db)
  const audit = createAudit({ ...shared, databaseUrl: database.url, home: config.home })
  const onAct = stack.use(createHeadKeeper(role === 'client' ? null : audit, log)).wake
  const network = createNetwork(config.networkEnvironment)
  const { keepComment } = parts.followUps.github
  const sending = { ...shared, network, random: Math.random, pageUrl: config.pageUrl, keepComment }
  const onOutbox = stack.use(createSender(sending, { start: role !== 'client' })).wake
  stack.use(await hearDatabase(database.url, { orchestrator, feed, onAct, onOutbox, log }))
  const home = { isHomeOwned: () => ownership.isHeld, ownHome: ownsHome({ role, ownership, own }) }
  const homeToken = () => readTokenFile(config.home)
  const retention = { ...database, ...shared, mirrors: parts.mirrors, databaseUrl: database.url }
  const examine = createExaminer(() => looks(config, database, { parts, retention, audit }), systemClock)
  const api: HttpDeps = { ...shared, ...parts, feed, orchestrator, audit, homeToken, examine, sending, ...home }
  const app = createHttpApp(api)
  if (role !== 'client') {
    await orchestrator.launch({ follow: role === 'service' })
    sweeping = stack.use(startSweeping(retention))
  }
  const owned = stack.move()
  return {
    http: calledWithin(app, shared.osUser),
    api,
    orchestrator,
    startUnattended: async () => {
      const intervalMs = await orchestrator.startUnattended()
      await recordPolling(actingAs(db, shared.osUser), { intervalMs })
    },
    db,
    databaseUrl: shownDatabaseUrl(database.url),
    databaseIdentity: () => databaseIdentity(db),
    migrated,
    serve: async (port) => owned.use(await listen(app, shared, port)),
    doctor: (fix) => examineAfter(fix, { database, parts, retention, audit }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function orchestratorOf(
  shared: Omit<
    OrchestratorDeps,
    'adapters' | 'watch' | 'followUpForges' | 'stopCalls' | 'admitCallsBy' | 'proposers' | 'version'
  >,
  { adapters, watch, followUps, models, proposers }: Parts,
): OrchestratorService {
  const calls = { stopCalls: models.stopAll, admitCallsBy: models.admitBy }
  return createOrchestrator({
    ...shared,
    adapters,
    watch,
    followUpForges: followUps,
    ...calls,
    proposers,
    version: VERSION,
  })
}

/** @throws {Fault} `config_invalid` */
function assertProtected({ apiProblems }: Config): void {
  if (apiProblems.length === 0) return
  const variables = apiProblems.map((problem) => problem.split(' ', 1)[0]).join(', ')
  const message = `Moose does not start so: ${apiProblems.join('; ')}. See docs/tokens.md.`
  throw new Fault('config_invalid', message, { variables })
}

/**
 * Listens, once the home has its token. Commands reach a service that others can reach by a listener of this machine alone: without
 * TLS, and by no other name.
 */
async function listen(app: HttpApp, of: TokenHome & { config: Config }, port: number): Promise<Served> {
  await ensureHomeToken(of)
  const { api } = of.config
  await using stack = new AsyncDisposableStack()
  const others = api.public === null ? null : stack.use(await serveHttp(app, { ...api.public, port, public: true }))
  const own = stack.use(await serveHttp(app, others === null ? { port, host: api.loopback } : { port: 0 }))
  const owned = stack.move()
  const publicUrl = others === null ? null : others.url
  return { url: own.url, publicUrl, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A service has cleaned up when it began, and what lies there now is its own. */
function ownsHome(of: { role: Role; ownership: HomeOwnership; own: () => Promise<void> }): () => Promise<void> {
  return () => (of.role === 'client' && !of.ownership.isHeld ? of.own() : of.ownership.take())
}

/** The token of this home, made where there is none; for a command that talks to its service. @throws {Fault} `database_*` */
export async function makeHomeToken(config: Config, log: Log): Promise<string> {
  await using database = await openDatabase({ ...config, log })
  const homeId = await homeIdOf(config.home)
  return await ensureHomeToken({ db: database.db, config, homeId, osUser: osUser() })
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
    audit,
  }: { database: OpenDatabase; parts: Parts; retention: RetentionDeps & { config: Config }; audit: Audit },
): Promise<DoctorFinding[]> {
  const { config, log } = retention
  if (fix !== null) {
    await tidy(retention, fix)
    await repair(config, { databaseUrl: database.url, log }, fix)
  }
  const found: DoctorFinding[] = []
  for (const { find } of looks(config, database, { parts, retention, audit })) found.push(...(await find()))
  return found
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
