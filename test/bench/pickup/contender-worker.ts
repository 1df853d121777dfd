/** `node contender-worker.ts NAME URL`: one worker of a queue with NOTIFY on; ends when its input ends. */
import { text } from 'node:stream/consumers'
import { Logger, run } from 'graphile-worker'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { QUEUE } from './contender.ts'

const [name, connectionString] = process.argv.slice(2)
if (connectionString === undefined) throw new TypeError('contender-worker.ts NAME URL')

const pool = new pg.Pool({ connectionString, max: 1 })
// Its connection is open before the first job comes, as those of Moose are.
await pool.query('select 1')
const begun = async (job: string) => void (await pool.query('insert into bench_starts (job) values ($1)', [job]))

const stop = name === 'pg-boss' ? await startPgBoss(connectionString) : await startGraphile(connectionString)
console.log('ready')
await text(process.stdin)
await stop()
await pool.end()

async function startGraphile(url: string): Promise<() => Promise<void>> {
  const runner = await run({
    connectionString: url,
    concurrency: 3,
    noHandleSignals: true,
    // Only NOTIFY is to start a job here.
    pollInterval: 600_000,
    logger: new Logger(() => () => undefined),
    taskList: { [QUEUE]: async (_payload, { job }) => begun(`graphile-worker ${job.id}`) },
  })
  return () => runner.stop()
}

async function startPgBoss(url: string): Promise<() => Promise<void>> {
  const boss = new PgBoss({ connectionString: url, useListenNotify: true })
  boss.on('error', (error) => {
    throw error
  })
  await boss.start()
  await boss.createQueue(QUEUE, { notify: true })
  await boss.work(QUEUE, { notifyPollingIntervalSeconds: 600 }, async (jobs) => {
    for (const job of jobs) await begun(`pg-boss ${job.id}`)
  })
  return () => boss.stop({ graceful: true })
}
