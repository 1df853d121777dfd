import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type TransactionSettings,
} from 'kysely'
import { type Actor, actorText } from '../../contract/actor.ts'
import { Fault } from '../../faults/fault.ts'
import type { Database } from '../schema.ts'

/**
 * The same database with an actor: each transaction that writes names it first, and the triggers that keep
 * `audit_entries` read it there. A statement outside of a transaction that is no `select` gets one of its own.
 *
 * It is a setting of the transaction, never of the session: behind a pooler a connection serves others next.
 *
 * @param db not a transaction; where it has an actor already, the new one takes its place
 * @param actor undefined: none is named, and the database records its own user
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET (set_config, is_local)
 */
export function actingAs(db: Kysely<Database>, actor: Actor | undefined): Kysely<Database> {
  if (actor === undefined) return db
  if (db.isTransaction) throw new Fault('internal', 'Who acts has to be said before the transaction begins')
  const known = bases.get(db)
  const base = known === undefined ? db : known
  const acting = new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => createActingDriver(base, actor),
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  bases.set(acting, base)
  return acting
}

/** The database behind each: one within another would end every statement of a transaction by itself. */
const bases = new WeakMap<Kysely<Database>, Kysely<Database>>()

function sayWho(actor: Actor): CompiledQuery {
  return CompiledQuery.raw(`select set_config('moose.actor', $1, true)`, [actorText(actor)])
}

/** What reads alone needs no transaction to say who reads in it. */
const READS = /^\s*select\b/i

type Borrowed = { lent: DatabaseConnection; giveBack: () => void; inTransaction: boolean }

/** Its connections are those of a database that is open already, and go back there. */
function createActingDriver(db: Kysely<Database>, actor: Actor): Driver {
  const pool = () => Promise.reject(new Fault('internal', 'Who acts opens no connection of their own'))
  const postgres: Driver = new PostgresDriver({ pool })
  const borrowed = new WeakMap<DatabaseConnection, Borrowed>()
  const of = (connection: DatabaseConnection): Borrowed => {
    const found = borrowed.get(connection)
    if (found === undefined) throw new Fault('internal', 'A connection of another database was given back')
    return found
  }

  return {
    init: () => Promise.resolve(),
    async acquireConnection() {
      const { lent, giveBack } = await borrow(db)
      const held = { lent, giveBack, inTransaction: false }
      const connection: DatabaseConnection = {
        executeQuery: (query, options) =>
          held.inTransaction || READS.test(query.sql)
            ? lent.executeQuery(query, options)
            : asOneTransaction(postgres, { lent, actor }, () => lent.executeQuery(query, options)),
        streamQuery: (query, size, options) => lent.streamQuery(query, size, options),
      }
      borrowed.set(connection, held)
      return connection
    },
    async beginTransaction(connection, settings) {
      const held = of(connection)
      await beginAs(postgres, { lent: held.lent, actor }, settings)
      held.inTransaction = true
    },
    async commitTransaction(connection) {
      const held = of(connection)
      await postgres.commitTransaction(held.lent)
      held.inTransaction = false
    },
    async rollbackTransaction(connection) {
      const held = of(connection)
      held.inTransaction = false
      await postgres.rollbackTransaction(held.lent)
    },
    async releaseConnection(connection) {
      of(connection).giveBack()
    },
    destroy: () => Promise.resolve(),
  }
}

/** @returns a connection that stays lent until it is given back */
async function borrow(db: Kysely<Database>): Promise<Pick<Borrowed, 'lent' | 'giveBack'>> {
  const { promise, resolve, reject } = Promise.withResolvers<DatabaseConnection>()
  const { promise: isUsed, resolve: giveBack } = Promise.withResolvers<void>()
  const lending = db.getExecutor().provideConnection(async (lent) => {
    resolve(lent)
    await isUsed
  })
  lending.catch(reject)
  return { lent: await promise, giveBack }
}

type Acting = { lent: DatabaseConnection; actor: Actor }

async function beginAs(postgres: Driver, { lent, actor }: Acting, settings: TransactionSettings): Promise<void> {
  await postgres.beginTransaction(lent, settings)
  try {
    await lent.executeQuery(sayWho(actor))
  } catch (error) {
    // What did not begin is not rolled back by the caller.
    await postgres.rollbackTransaction(lent)
    throw error
  }
}

async function asOneTransaction<Result>(
  postgres: Driver,
  acting: Acting,
  write: () => Promise<Result>,
): Promise<Result> {
  await beginAs(postgres, acting, {})
  try {
    const result = await write()
    await postgres.commitTransaction(acting.lent)
    return result
  } catch (error) {
    await postgres.rollbackTransaction(acting.lent)
    throw error
  }
}
